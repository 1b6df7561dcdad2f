# The operator alone: one static binary, the certificate authorities it trusts and its licence. The
# same files, user and entry point as `make image`, which needs no container engine.
FROM --platform=$BUILDPLATFORM rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS build
ARG TARGETARCH
# For another platform than that of the machine: its linker, C compiler, C library and std.
RUN set -eu; \
    [ "$TARGETARCH" = "$(dpkg --print-architecture)" ] && exit 0; \
    case $TARGETARCH in \
      arm64) gcc=aarch64 libc=arm64 ;; \
      amd64) gcc=x86-64 libc=amd64 ;; \
      *) echo "no image for $TARGETARCH: amd64 or arm64" >&2; exit 1 ;; \
    esac; \
    apt-get update; \
    apt-get install --yes --no-install-recommends "gcc-$gcc-linux-gnu" "libc6-dev-$libc-cross"; \
    rustup target add "$(echo "$gcc" | tr - _)-unknown-linux-gnu"
WORKDIR /src
COPY . .
RUN make image-root PLATFORM="linux_$TARGETARCH" && mv "target/image/linux_$TARGETARCH" /image

FROM scratch
LABEL org.opencontainers.image.title="psg-operator" \
      org.opencontainers.image.description="Manages password sync groups of an identity tenant as custom resources." \
      org.opencontainers.image.source="https://github.com/passwordsync/psg-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
WORKDIR /
USER 65532:65532
EXPOSE 8080/tcp
ENTRYPOINT ["/psg-operator"]
