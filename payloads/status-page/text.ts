/** Controls, what turns the direction of writing, and what cannot be seen: names with them pass for others. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu;

/**
 * What anybody may have written, as one line that can be shown: no characters that are not seen, no more of
 * them than fit. That it is no markup is up to whoever shows it: the page makes text nodes of it.
 *
 * @param max characters; of more the last that fits is `…`
 */
export function plainText(text: string, max: number): string {
  // A text of megabytes is not gone through for the few characters that are kept.
  const plain = [
    ...text
      .slice(0, 8 * max)
      .replace(UNSEEN, " ")
      .replace(/\s+/g, " ")
      .trim(),
  ];
  return plain.length <= max
    ? plain.join("")
    : `${plain
        .slice(0, max - 1)
        .join("")
        .trimEnd()}…`;
}
