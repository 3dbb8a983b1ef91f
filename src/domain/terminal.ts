/**
 * A text that no terminal obeys: control characters but line breaks, and those that turn the
 * direction of writing, become spaces. What a host says of itself goes through this before people
 * see it; names of interfaces and labels of addresses may hold anything but a slash.
 */
export function readable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, " ");
}
