import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const out = process.env.CONNEXA_WEB_OUT ?? "../src/connexa/web/dist";

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The service worker knows the built files by name and by a revision that changes with any of them. */
function shell(): Plugin {
  return {
    name: "connexa-shell",
    apply: "build",
    closeBundle() {
      const worker = join(out, "sw.js");
      const files = filesBelow(out).filter((file) => !/(sw\.js|BUILD\.json)$/.test(file));
      const hash = createHash("sha256");
      for (const file of files) hash.update(relative(out, file)).update("\0").update(readFileSync(file));
      const names = files.map((file) => `/${relative(out, file)}`.replace("/index.html", "/"));
      const source = readFileSync(worker, "utf8")
        .replace('"REVISION"', JSON.stringify(hash.digest("hex").slice(0, 16)))
        .replace('["FILES"]', JSON.stringify(names));
      writeFileSync(worker, source);
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), shell()],
  build: {
    outDir: out,
    emptyOutDir: true,
    sourcemap: false,
    target: "es2023",
    modulePreload: { polyfill: false },
    // Stable names: what changed shows in the history of the repository, and a tag tells the browser (decision 0031).
    rolldownOptions: {
      output: { entryFileNames: "assets/[name].js", chunkFileNames: "assets/[name].js", assetFileNames: "assets/[name][extname]" },
    },
  },
});
