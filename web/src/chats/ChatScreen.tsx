/** The list of chats and the open one, side by side; on a phone one after the other. */
import { useParams } from "@tanstack/react-router";
import { useWords } from "../i18n";
import { classes } from "../ui/parts";
import { Conversation } from "./Conversation";
import { List } from "./List";

export function ChatScreen() {
  const t = useWords();
  const { id } = useParams({ strict: false });
  return (
    <>
      <div className={classes("min-h-0 w-full shrink-0 border-line bg-panel md:w-80 md:border-e lg:w-88", id && "max-md:hidden")}>
        <List open={id ?? ""} />
      </div>
      {id ? (
        <Conversation key={id} id={id} />
      ) : (
        <main id="content" tabIndex={-1} className="hidden flex-1 items-center justify-center text-soft outline-none md:flex">
          <p>{t.chooseChat}</p>
        </main>
      )}
    </>
  );
}
