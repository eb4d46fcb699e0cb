import { useWords } from "../i18n";
import { Sheet } from "../ui/parts";

export function KeySheet({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const keys: [string, string][] = [
    ["Ctrl K", t.keyPalette],
    ["/", t.keySearch],
    ["c", t.keyCompose],
    ["n", t.keyNew],
    ["j  Alt ↓", t.keyNextChat],
    ["k  Alt ↑", t.keyPreviousChat],
    ["u", t.keyUnread],
    ["e", t.keyArchive],
    ["m", t.keyMute],
    ["g c · g r · g k · g s", t.keyGo],
    ["Esc", t.keyEscape],
    ["?", t.keyHelp],
  ];
  return (
    <Sheet title={t.keysTitle} open onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {keys.map(([key, text]) => (
          <div key={key} className="contents">
            <dt>
              <kbd dir="ltr" className="rounded-md border border-line bg-panel px-2 py-0.5 font-mono text-sm whitespace-pre">
                {key}
              </kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
