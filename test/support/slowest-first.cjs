const Sequencer = require("@jest/test-sequencer").default;

/** Files that take minutes; whatever else there is fits beside and after them. */
const SLOWEST = ["lab/lab.test.ts", "lab/data-plane.test.ts", "lab/secured.test.ts"];

/**
 * Begins with the files that take longest. Without a cache jest goes by the size of a file, which tells
 * little here, and two that run side by side end together only if no long one begins last.
 */
module.exports = class SlowestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const place = SLOWEST.findIndex((name) => path.endsWith(`/test/${name}`));
      return place === -1 ? SLOWEST.length : place;
    };
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
};
