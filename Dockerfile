FROM python:3.11-slim-bookworm

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        fontconfig libharfbuzz-subset0 libmagic1 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

COPY . .
RUN python -m compileall -q accounts config incidents \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin sitroom \
    && install -d -o sitroom -g sitroom -m 0700 /data

ENV DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER sitroom
VOLUME /data
EXPOSE 8000
CMD ["deploy/start"]
