/** What is to be known on every screen: the node or the homeserver cannot be reached, the words are not written down. */
import { Link } from "@tanstack/react-router";
import { useNode } from "../api/node";
import { useWords } from "../i18n";
import { classes } from "../ui/parts";
import { useWarnings } from "./warnings";

export function Banners() {
  const t = useWords();
  const { link, account } = useNode();
  const { offline, unconfirmed } = useWarnings();
  return (
    <div role="status" className="text-sm">
      {link === "down" && (
        <Bar bad>
          {t.nodeDown} <code className="font-mono">connexa up</code>
        </Bar>
      )}
      {account?.state === "revoked" && <Bar bad>{t.accountRevoked}</Bar>}
      {link !== "down" && offline && <Bar>{t.offline}</Bar>}
      {unconfirmed && (
        <Bar>
          {t.recoveryBanner}{" "}
          <Link to="/settings/words" className="font-semibold underline">
            {t.recoveryBannerAct}
          </Link>
        </Bar>
      )}
    </div>
  );
}

function Bar({ bad = false, children }: { bad?: boolean; children: React.ReactNode }) {
  return <p className={classes("px-4 py-2 text-center", bad ? "bg-bad-soft text-bad" : "bg-warn-soft text-warn")}>{children}</p>;
}
