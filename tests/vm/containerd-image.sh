# shellcheck shell=bash
# An image for containerd without a registry; the caller sets `image`, its name.
# shellcheck disable=SC2154

# make_image TREE: an OCI layout as a tar, with nothing but a layer: blobs by digest, a config, a manifest, an index.
make_image() {
	local layout=$T/layout layer config manifest
	mkdir -p "$layout/blobs/sha256"
	blob() { # FILE: moves it to its digest's place
		local digest
		digest=$(sha256sum "$1" | cut -d' ' -f1)
		mv "$1" "$layout/blobs/sha256/$digest"
		echo "$digest"
	}
	size() { stat -c %s "$layout/blobs/sha256/$1"; }
	tar -C "$1" --owner=0 --group=0 -cf "$T/layer" .
	layer=$(blob "$T/layer")
	jq -n --arg layer "sha256:$layer" '{ architecture: "amd64", os: "linux", config: { Cmd: ["sh"],
		Env: ["PATH=/bin"] }, rootfs: { type: "layers", diff_ids: [$layer] } }' >"$T/config"
	config=$(blob "$T/config")
	jq -n --arg config "$config" --argjson config_size "$(size "$config")" --arg layer "$layer" \
		--argjson layer_size "$(size "$layer")" '{ schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: "sha256:\($config)", size: $config_size },
		layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: "sha256:\($layer)", size: $layer_size }] }' \
		>"$T/manifest"
	manifest=$(blob "$T/manifest")
	jq -n --arg manifest "$manifest" --argjson size "$(size "$manifest")" --arg name "$image" '{ schemaVersion: 2, manifests: [{
		mediaType: "application/vnd.oci.image.manifest.v1+json", digest: "sha256:\($manifest)", size: $size,
		annotations: { "io.containerd.image.name": $name, "org.opencontainers.image.ref.name": "latest" } }] }' \
		>"$layout/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	tar -C "$layout" -cf "$T/image.tar" .
	ctr image import "$T/image.tar"
}
