/** Lines of the timeline that no message carries. */
import type { MessageView, TrustNoteView } from "../api/schema";

export const NOTES = {
  "identity.changed": "noteChanged",
  "identity.trusted": "noteTrusted",
  "identity.kept": "noteKept",
  "devices.added": "noteDevices",
  "contact.verified": "noteVerified",
  "contact.unverified": "noteUnverified",
} as const;

export type NoteWord = (typeof NOTES)[keyof typeof NOTES];

export function noteWord(code: string): NoteWord | undefined {
  return NOTES[code as keyof typeof NOTES];
}

/** What happened between two messages that follow each other. */
export function notesBetween(
  notes: TrustNoteView[],
  before: MessageView | undefined,
  message: MessageView,
): { at: number; text: NoteWord }[] {
  const from = before ? timeOf(before) : 0;
  return notes.flatMap((note) => {
    const text = noteWord(note.code);
    return text && note.at > from && note.at <= timeOf(message) ? [{ at: note.at, text }] : [];
  });
}

function timeOf(message: MessageView): number {
  return message.mine ? message.sent : message.received;
}
