// One jest project a tier; `npm test` runs them in order, `npm run check` only unit and component.
const swc = [
  "@swc/jest",
  { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" } },
];

/** @platformatic/kafka and its kin ship as ES modules only; CommonJS jest needs them transformed. */
const esmOnly = ["@platformatic", "mnemonist", "obliterator"];

const tier = (name, extra = {}) => ({
  displayName: name,
  testEnvironment: "node",
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  transform: { "\\.[cm]?[jt]s$": swc },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join("|")})/)`],
  ...extra,
});

/** Tiers that start processes or containers end what is left of them, however the tests ended. */
const sweeping = {
  globalSetup: "<rootDir>/test/support/global-setup.ts",
  globalTeardown: "<rootDir>/test/support/global-teardown.ts",
};

module.exports = {
  // For a machine that is busy with other things; what takes longer by nature says so itself.
  testTimeout: 30_000,
  testSequencer: "<rootDir>/test/support/slowest-first.cjs",
  projects: [
    tier("unit"),
    tier("component"),
    tier("conformance", sweeping),
    tier("provider", sweeping),
    tier("lab", sweeping),
  ],
};
