/** What became of a message, at each device of each recipient. */
import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";
import { useAccount } from "../api/node";
import type { MessageView } from "../api/schema";
import { useTimes, useWords } from "../i18n";
import { Facts } from "../ui/Page";
import { Failure, Sheet } from "../ui/parts";

const SHORT = 8;

export function MessageInfo({ message, group, onClose }: { message: MessageView; group: boolean; onClose: () => void }) {
  const t = useWords();
  const times = useTimes();
  const account = useAccount();
  const found = useQuery({
    queryKey: ["message", account, message.id],
    queryFn: () => read("/api/message/{message_id}", { account }, { message_id: message.id }),
  });
  const info = found.data;
  const states = Object.entries(info?.states ?? {}).sort((a, b) => a[1] - b[1]);
  const word = (state: string) => String(t[state as "queued"] ?? state);
  return (
    <Sheet title={t.messageInfo} open onClose={onClose}>
      <Failure error={found.error} />
      <Facts
        facts={[
          [t.sentAt, times.both(message.sent)],
          ...(message.mine ? [] : ([[t.receivedAt, times.both(message.received)]] as [string, string][])),
          ...states.map(([state, at]): [string, string] => [word(state), times.both(at)]),
          ...(info?.path ? [[t.path, info.path] as [string, string]] : []),
          ...(info?.message.reason ? [["", info.message.reason] as [string, string]] : []),
        ]}
      />
      {group
        ? info?.people.map((one) => (
            <p key={one.user} className="text-sm">
              <bdi className="font-medium">{one.name || one.address}</bdi> ·{" "}
              {one.state ? `${word(one.state)}, ${times.both(one.at)}` : t.unknown}
            </p>
          ))
        : info?.devices.map((one) => (
            <p key={one.device} className="text-sm">
              <code className="font-mono">{one.name || one.device.slice(0, SHORT)}</code> · {word(one.state)}, {times.both(one.at)}
            </p>
          ))}
    </Sheet>
  );
}
