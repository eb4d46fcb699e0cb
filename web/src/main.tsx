import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { logInFromAddress } from "./api/client";
import { cache, NodeProvider } from "./api/node";
import { LanguageProvider } from "./i18n";
import { router } from "./routes";
import "./app.css";

function keepShell(): void {
  if (!("serviceWorker" in navigator)) return;
  // The page's policy lets no string become a script's address; this is the one that may.
  const factory = (window as { trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } } })
    .trustedTypes;
  const url = factory ? factory.createPolicy("connexa", { createScriptURL: () => "/sw.js" }).createScriptURL("") : "/sw.js";
  navigator.serviceWorker.register(url).catch(() => {}); // without it the app works the same while the node is up
}

async function begin(): Promise<void> {
  await logInFromAddress().catch(() => {}); // a bad key: the app shows how to get a good one
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no root");
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <LanguageProvider>
          <QueryClientProvider client={cache}>
            <NodeProvider>
              <RouterProvider router={router} />
            </NodeProvider>
          </QueryClientProvider>
        </LanguageProvider>
      </CSPProvider>
    </StrictMode>,
  );
  keepShell();
}

void begin();
