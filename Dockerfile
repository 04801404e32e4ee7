# One binary in an image without a shell. Roots for AWS are in the base image, those of RDS in the binary.
#
#   docker build --tag tenantctl .
#   docker run --rm --volume "$PWD:/work:ro" --env AWS_PROFILE --volume ~/.aws:/home/nonroot/.aws:ro tenantctl plan
#
# `tenantctl connect` needs psql, which is not in here: use `tenantctl token`.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# Which crates are in it can be read from the binary: cargo audit bin tenantctl
RUN cargo install --locked cargo-auditable \
 && cargo auditable build --release --locked --package tenantctl --bin tenantctl

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/tenantctl /usr/local/bin/tenantctl
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/tenantctl"]
CMD ["--help"]
