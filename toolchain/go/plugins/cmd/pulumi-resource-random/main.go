// Command pulumi-resource-random serves @pulumi/random where the official plugin cannot be had:
// the Terraform bridge over upstream's provider.
package main

import (
	"context"
	"errors"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/terraform-providers/terraform-provider-random/shim"
)

// version is set at link time: the version of the npm package that the plugin serves.
var version string

// bytesID names a RandomBytes by its value, as the official plugin does: upstream gives it no id.
func bytesID(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
	value := state["base64"]
	if value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		return "", errors.New("a RandomBytes came back without its base64 value")
	}
	return resource.ID(value.StringValue()), nil
}

func main() {
	info := tfbridge.ProviderInfo{
		P:            pf.ShimProvider(shim.NewProvider()),
		Name:         "random",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Resources:    map[string]*tfbridge.ResourceInfo{"random_bytes": {ComputeID: bytesID}},
		// Both as in the official plugin, so that either goes on with the other's state.
		EnableAccurateBridgePreview: true,
		EnableRawStateDelta:         true,
	}
	// Upstream's prefix stays in the class: random_id is random:index/randomId:RandomId.
	info.MustComputeTokens(tokens.SingleModule("random_", "index",
		func(module, name string) (string, error) {
			return tokens.MakeStandard("random")(module, "Random"+name)
		}))
	pf.Main(context.Background(), "random", info, pf.ProviderMetadata{PackageSchema: []byte("{}")})
}
