# The program and nothing else. Built from this checkout:
#   docker build -t cargo-custody . && docker run --rm -v "$PWD:/project:ro" cargo-custody check /project
FROM rust:1.95-slim-trixie AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --release

FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/target/release/cargo-custody /usr/local/bin/cargo-custody
# Facts are kept here; mount a volume to keep them between runs.
ENV CARGO_HOME=/var/cache/cargo CARGO_CUSTODY_CACHE_DIR=/var/cache/cargo-custody
RUN useradd --create-home custody && install -d -o custody /var/cache/cargo /var/cache/cargo-custody
USER custody
WORKDIR /project
ENTRYPOINT ["cargo-custody"]
