//go:build tools

// Package langhost pins what the Node.js language host is built from. It is a module of its own,
// for the last SDK version whose module contained the language host is older than the engine.
package langhost

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
