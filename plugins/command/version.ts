/** The official release whose behaviour this plugin has: what @pulumi/command asks for. */
export const VERSION = "1.2.1";
