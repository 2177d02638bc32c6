# The server: docker build -t librato-apply . && docker run -v librato:/data -e LIBRATO_USER=… -e LIBRATO_TOKEN=… librato-apply
# docs/operate.md says what to mind. packaging/try tries what stands here as far as it can without an engine.

FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN packaging/build program && mkdir -p /out/data && cp target/release/librato-apply /out/

# The C library of Debian 12, certificates and time zones, and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/librato-apply /usr/bin/librato-apply
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/librato-apply"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--data", "/data/librato.db"]
