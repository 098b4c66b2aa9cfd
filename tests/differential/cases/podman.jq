# base: podman
.
