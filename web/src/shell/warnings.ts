import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { read } from "../api/client";
import { useNode } from "../api/node";

const PATIENCE_MS = 3_000; // a link that comes back at once is no news

/** What is wrong with the account that is shown. */
export function useWarnings(): { offline: boolean; unconfirmed: boolean } {
  const { account } = useNode();
  const address = account?.address ?? "";
  const words = useQuery({
    queryKey: ["recovery", address],
    queryFn: () => read("/api/account/recovery", { account: address }),
    enabled: account?.primary === true && account.state === "active",
  });
  const down = account?.state === "active" && account.link !== "up";
  const [offline, setOffline] = useState(false);
  useEffect(() => {
    if (!down) return setOffline(false);
    const timer = window.setTimeout(() => setOffline(true), PATIENCE_MS);
    return () => window.clearTimeout(timer);
  }, [down]);
  return { offline, unconfirmed: words.data ? !words.data.confirmed : false };
}
