import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";
import { useAccount } from "../api/node";
import { useAct } from "../api/queries";
import type { GroupView } from "../api/schema";
import { useWords } from "../i18n";
import { Section } from "../ui/Page";
import { Button, CopyButton, Failure } from "../ui/parts";
import { STALE } from "./GroupInfo";

export function GroupLink({ group }: { group: GroupView }) {
  const t = useWords();
  const account = useAccount();
  const found = useQuery({
    queryKey: ["groups", account, group.id, "link", group.epoch],
    queryFn: () => read("/api/groups/{group}/link", { account }, { group: group.id }),
    enabled: group.link,
  });
  const make = useAct("/api/groups/link", STALE);
  const end = useAct("/api/groups/unlink", STALE);
  return (
    <Section title={t.groupLink}>
      <p className="text-sm text-soft">{t.groupLinkText}</p>
      {group.link && found.data && (
        <code dir="ltr" className="font-mono text-sm break-all select-all">
          {found.data.text}
        </code>
      )}
      <div className="flex flex-wrap gap-2">
        {group.link && found.data && <CopyButton text={found.data.text} />}
        <Button onClick={() => make.mutate({ group: group.id })}>{group.link ? t.newLink : t.makeLink}</Button>
        {group.link && (
          <Button look="bad" onClick={() => end.mutate({ group: group.id })}>
            {t.endLink}
          </Button>
        )}
      </div>
      <Failure error={make.error ?? end.error} />
    </Section>
  );
}
