//! The field of a rule: one of a list, or a member with a name of one's own (`metadata.<key>`).

const MEMBER = ".<key>";

/** True for a field of the list that needs a key. */
export const needsKey = (choice: string): boolean => choice.endsWith(MEMBER);

/** Which field of the list a rule's field is, and its key. */
export function splitField(field: string, choices: readonly string[]): { choice: string; key: string } {
  if (choices.includes(field)) return { choice: field, key: "" };
  const choice = choices.find((one) => needsKey(one) && field.startsWith(one.slice(0, -MEMBER.length + 1)));
  return choice ? { choice, key: field.slice(choice.length - MEMBER.length + 1) } : { choice: "", key: "" };
}

export const joinField = (choice: string, key: string): string =>
  needsKey(choice) ? choice.slice(0, -MEMBER.length + 1) + key.trim() : choice;
