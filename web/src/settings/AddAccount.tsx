import { useWords } from "../i18n";
import { Welcome } from "../start/Welcome";
import { Page } from "../ui/Page";

export function AddAccount() {
  const t = useWords();
  return (
    <Page title={t.addAccount} back="/settings">
      <Welcome first={false} />
    </Page>
  );
}
