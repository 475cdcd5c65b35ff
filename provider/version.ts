/** The provider's version: the package's own (a unit test compares them), since both ship as one. */
export const PROVIDER_VERSION = "0.1.0";
