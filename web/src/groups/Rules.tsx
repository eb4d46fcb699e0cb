/** What holds for everybody in a group: when messages disappear, what newcomers see. */
import { useAct } from "../api/queries";
import type { GroupView } from "../api/schema";
import { useWords } from "../i18n";
import { Choice, Failure } from "../ui/parts";
import { STALE } from "./GroupInfo";

const HOUR = 3600;
const DAY = 24 * HOUR;
const TIMERS = [0, HOUR, 8 * HOUR, DAY, 7 * DAY, 28 * DAY];
const PAST = 100;

export function Rules({ group }: { group: GroupView }) {
  const t = useWords();
  const timer = useAct("/api/groups/timer", STALE);
  const history = useAct("/api/groups/history", STALE);
  const locked = group.role === "member";
  const timers = TIMERS.includes(group.timer) ? TIMERS : [...TIMERS, group.timer];
  const name = (seconds: number) =>
    seconds === 0 ? t.timerOff : seconds < DAY ? t.timerHours(seconds / HOUR) : t.timerDays(seconds / DAY);
  const rule = group.history.split(" ")[0] ?? "invited";
  const last = Number(group.history.split(" ")[1] ?? PAST);
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Choice
        label={t.timer}
        value={String(group.timer)}
        options={timers.map((seconds) => [String(seconds), name(seconds)])}
        disabled={locked}
        onChoose={(value) => timer.mutate({ group: group.id, seconds: Number(value) })}
      />
      <Choice
        label={t.historyRule}
        value={rule}
        options={[
          ["invited", t.historyInvited],
          ["none", t.historyNone],
          ["last", t.historyLast(rule === "last" ? last : PAST)],
        ]}
        disabled={locked}
        onChoose={(value) => history.mutate({ group: group.id, rule: value, last: value === "last" ? PAST : 0 })}
      />
      <Failure error={timer.error ?? history.error} />
    </div>
  );
}
