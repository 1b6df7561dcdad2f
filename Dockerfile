# The operator alone: one static binary and the certificate authorities it trusts.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Naming the target keeps these flags away from build scripts and macros, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN cargo build --release --locked --target x86_64-unknown-linux-gnu --package psg-operator --bin psg-operator

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/x86_64-unknown-linux-gnu/release/psg-operator /psg-operator
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/psg-operator"]
