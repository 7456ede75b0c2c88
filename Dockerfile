# Rastro and Airflow in one image, from the same pinned requirements as everywhere else.

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /build/
RUN /opt/venv/bin/pip install --require-hashes -r /build/requirements.txt
COPY pyproject.toml README.md /build/
COPY include/rastro /build/include/rastro
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation /build

FROM python:3.12-slim-bookworm
RUN useradd --uid 50000 --gid 0 --home-dir /opt/airflow --create-home airflow \
    && install --directory --owner airflow --group 0 /opt/airflow/logs
COPY --from=build /opt/venv /opt/venv
COPY dags /opt/airflow/dags
COPY plugins /opt/airflow/plugins
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__AUTH_MANAGER=airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
USER airflow
WORKDIR /opt/airflow
EXPOSE 8080
CMD ["airflow", "api-server"]
