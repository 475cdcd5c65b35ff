// Command pulumi-resource-docker serves @pulumi/docker where the official plugin cannot be had:
// the Terraform bridge over upstream's provider. docker:index/image:Image, which the official
// plugin adds to upstream's resources, is not covered.
package main

import (
	"unicode"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/terraform-providers/terraform-provider-docker/shim"
)

// version is set at link time: the version of the npm package that the plugin serves.
var version string

// resourceNames says which class of @pulumi/docker each of upstream's resources is.
var resourceNames = map[string]string{
	"docker_buildx_builder": "BuildxBuilder",
	"docker_config":         "ServiceConfig",
	"docker_container":      "Container",
	"docker_image":          "RemoteImage",
	"docker_network":        "Network",
	"docker_plugin":         "Plugin",
	"docker_registry_image": "RegistryImage",
	"docker_secret":         "Secret",
	"docker_service":        "Service",
	"docker_tag":            "Tag",
	"docker_volume":         "Volume",
}

var functionNames = map[string]string{
	"docker_image":                    "getRemoteImage",
	"docker_logs":                     "getLogs",
	"docker_network":                  "getNetwork",
	"docker_plugin":                   "getPlugin",
	"docker_registry_image":           "getRegistryImage",
	"docker_registry_image_manifests": "getRegistryImageManifests",
}

// qualify makes docker:index/container:Container of Container.
func qualify(name string) string {
	first := []rune(name)
	first[0] = unicode.ToLower(first[0])
	return "docker:index/" + string(first) + ":" + name
}

func info() tfbridge.ProviderInfo {
	resources := map[string]*tfbridge.ResourceInfo{}
	for upstream, name := range resourceNames {
		resources[upstream] = &tfbridge.ResourceInfo{Tok: tokens.Type(qualify(name))}
	}
	functions := map[string]*tfbridge.DataSourceInfo{}
	for upstream, name := range functionNames {
		functions[upstream] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(qualify(name))}
	}

	// A container's name and address are taken while the old one lives.
	container := resources["docker_container"]
	container.DeleteBeforeReplace = true
	// The bridge's plurals would be "commands" and "networksAdvanceds".
	container.Fields = map[string]*tfbridge.SchemaInfo{
		"command":           {Name: "command"},
		"networks_advanced": {Name: "networksAdvanced"},
	}
	// An image's name says which image it is: no suffix is added to it.
	resources["docker_image"].Fields = map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}}

	return tfbridge.ProviderInfo{
		P:       sdkv2.NewProvider(shim.NewProvider(version)),
		Name:    "docker",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources:    resources,
		DataSources:  functions,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
}

func main() {
	provider := info()
	provider.SetAutonaming(255, "-")
	tfbridge.Main("docker", version, provider, []byte("{}"))
}
