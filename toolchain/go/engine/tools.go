//go:build tools

// Package engine pins what the Pulumi engine is built from. The build names
// github.com/pulumi/pulumi/pkg/v3/cmd/pulumi itself; this import only keeps it in go.mod and go.sum.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
