// Package shim hands out the Docker provider. Upstream keeps it in an internal package, which only
// a package below upstream's own path may import; hence this module's name and the replace in go.mod.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// NewProvider returns upstream's resources and data sources that are written for the plugin SDK:
// all of them but one data source.
func NewProvider(version string) *schema.Provider {
	return provider.New(version)()
}
