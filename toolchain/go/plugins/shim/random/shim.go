// Package shim hands out the random provider. Upstream keeps it in an internal package, which only
// a package below upstream's own path may import; hence this module's name and the replace in go.mod.
package shim

import (
	framework "github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns upstream's provider.
func NewProvider() framework.Provider {
	return provider.New()
}
