# One image a program: `docker build --target ingest .` and so on; docker-compose.yml names them.
FROM python:3.13-slim AS county
WORKDIR /opt/county
RUN useradd --system --uid 10001 --home-dir /var/lib/county --create-home county
COPY pyproject.toml README.md ./
COPY devices devices

FROM county AS ingest
COPY cloud_ingest cloud_ingest
RUN pip install --no-cache-dir '.[cloud]'
USER county
ENTRYPOINT ["cloud-ingest"]

FROM county AS gateway
COPY edge_agent edge_agent
RUN pip install --no-cache-dir '.[edge,camera]'
USER county
ENTRYPOINT ["edge-agent"]

FROM county AS simulators
COPY simulators simulators
RUN pip install --no-cache-dir '.[simulators]'
USER county
ENTRYPOINT ["simulators"]
