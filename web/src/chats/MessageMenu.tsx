/** What can be done with a message. */
import { Menu } from "@base-ui/react/menu";
import { EllipsisVertical } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useAct } from "../api/queries";
import type { MessageView } from "../api/schema";
import { useWords } from "../i18n";
import { Button, Failure, Sheet, Sure } from "../ui/parts";

const ITEM = "flex min-h-10 cursor-pointer items-center rounded-lg px-3 outline-none data-[highlighted]:bg-hover";
const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const STALE = ["conversations", "log"];

interface Props {
  message: MessageView;
  onReply: (message: MessageView) => void;
  onInfo: (message: MessageView) => void;
}

export function MessageMenu({ message, onReply, onInfo }: Props) {
  const t = useWords();
  const [asks, setAsks] = useState<"edit" | "mine" | "everywhere" | null>(null);
  const close = () => setAsks(null);
  const remove = useAct("/api/messages/delete", STALE, close);
  const react = useAct("/api/messages/react", STALE);
  const isText = message.kind === "text";
  return (
    <>
      <Menu.Root>
        <Menu.Trigger
          aria-label={t.more}
          className="inline-flex size-8 shrink-0 items-center justify-center rounded-lg text-soft opacity-0 group-hover:opacity-100 hover:bg-hover focus-visible:opacity-100 data-[popup-open]:opacity-100 pointer-coarse:opacity-60"
        >
          <EllipsisVertical size={16} aria-hidden="true" />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={4} className="z-30">
            <Menu.Popup className="min-w-44 rounded-xl border border-line bg-raised p-1 text-sm shadow-xl outline-none">
              {isText && (
                <Menu.Group aria-label={t.react} className="flex">
                  {QUICK.map((emoji) => (
                    <Menu.Item
                      key={emoji}
                      className="inline-flex size-10 cursor-pointer items-center justify-center rounded-lg text-lg outline-none data-[highlighted]:bg-hover"
                      onClick={() => react.mutate({ message: message.id, emoji })}
                    >
                      {emoji}
                    </Menu.Item>
                  ))}
                </Menu.Group>
              )}
              {isText && (
                <Menu.Item className={ITEM} onClick={() => onReply(message)}>
                  {t.reply}
                </Menu.Item>
              )}
              {isText && message.mine && (
                <Menu.Item className={ITEM} onClick={() => setAsks("edit")}>
                  {t.edit}
                </Menu.Item>
              )}
              {isText && (
                <Menu.Item className={ITEM} onClick={() => navigator.clipboard.writeText(message.text)}>
                  {t.copyText}
                </Menu.Item>
              )}
              <Menu.Item className={ITEM} onClick={() => onInfo(message)}>
                {t.info}
              </Menu.Item>
              <Menu.Item className={`${ITEM} text-bad`} onClick={() => setAsks("mine")}>
                {t.deleteMessage}
              </Menu.Item>
              {isText && message.mine && (
                <Menu.Item className={`${ITEM} text-bad`} onClick={() => setAsks("everywhere")}>
                  {t.deleteEverywhere}
                </Menu.Item>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {asks === "edit" && <Edit message={message} onClose={close} />}
      {(asks === "mine" || asks === "everywhere") && (
        <Sure
          title={asks === "mine" ? t.deleteMessage : t.deleteEverywhere}
          text={asks === "mine" ? t.deleteMessageText : ""}
          act={asks === "mine" ? t.deleteMessage : t.deleteEverywhere}
          onAct={() => remove.mutate({ message: message.id, everywhere: asks === "everywhere" })}
          onClose={close}
        />
      )}
    </>
  );
}

function Edit({ message, onClose }: { message: MessageView; onClose: () => void }) {
  const t = useWords();
  const [text, setText] = useState(message.text);
  const edit = useAct("/api/messages/edit", STALE, onClose);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    edit.mutate({ message: message.id, text: text.trim() });
  };
  return (
    <Sheet title={t.editing} open onClose={onClose}>
      <form className="flex flex-col gap-3" onSubmit={submit}>
        <textarea
          rows={4}
          dir="auto"
          aria-label={t.editing}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="rounded-lg border border-line bg-raised px-3 py-2"
        />
        <Failure error={edit.error} />
        <Button type="submit" look="main" disabled={!text.trim() || text.trim() === message.text || edit.isPending}>
          {t.save}
        </Button>
      </form>
    </Sheet>
  );
}
