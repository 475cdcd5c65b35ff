import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", "**/bin/**", "labs", "coverage", "toolchain/go"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["**/*.{js,mjs,cjs}"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        module: "writable",
        require: "readonly",
        __dirname: "readonly",
        setTimeout: "readonly",
        URL: "readonly",
      },
    },
  },
  {
    // What a browser has.
    files: ["payloads/status-page/page/*.js"],
    languageOptions: {
      globals: Object.fromEntries(
        ["document", "EventSource", "location", "matchMedia", "setInterval", "URLSearchParams"].map(
          (name) => [name, "readonly"],
        ),
      ),
    },
  },
);
