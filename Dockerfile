# A proxy in a container of its own: docker build -t mtg . (deno task image); compose.yaml runs it.
# Base images are pinned: the tag tells what it is, the digest which one.

FROM node:22-bookworm-slim@sha256:43ac6c60b8f89723f746e8a92ce91abd5017e627ce1ddfe4238355d3a30b772c AS build
RUN npm install --global deno@2.9.6
WORKDIR /src
COPY . .
# One program, the version of deno.json in its name; and directories for state and sockets, whose owner COPY sets. The repository is not
# in here, so what it is made from has to be told.
ARG COMMIT=
RUN deno task compile:here --out /out --commit "$COMMIT" && mv /out/mtg-*-unknown-linux-gnu /mtg && mkdir /data /run/mtg

# glibc, libgcc, certificates and nothing else: no shell, no package manager. Its user is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
LABEL org.opencontainers.image.title="mtg" \
      org.opencontainers.image.description="A proxy for Telegram" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /mtg /mtg
COPY --from=build --chown=65532:65532 --chmod=700 /data /data
COPY --from=build --chown=65532:65532 --chmod=755 /run/mtg /run/mtg
ENV MTG_STATE_DIRECTORY=/data
USER 65532:65532
WORKDIR /
VOLUME /data
# Without a configuration it listens on 443; the configurations of mtg have 3128.
EXPOSE 443 3128
HEALTHCHECK --interval=60s --timeout=5s --start-period=10s CMD ["/mtg", "healthcheck", "/config.toml"]
ENTRYPOINT ["/mtg"]
CMD ["run", "/config.toml"]
