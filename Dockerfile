FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY . .
RUN npm install --no-save --no-audit --no-fund --include=dev \
 && node node_modules/vite/bin/vite.js build apps/dashboard \
 && mkdir -p /data && chown -R node:node /data
USER node
ENV HOST=0.0.0.0 PORT=3000 TAPEDECK_DIR=/data
EXPOSE 3000
CMD ["node", "apps/api/src/main.ts"]
