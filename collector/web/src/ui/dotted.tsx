/** A dotted name that breaks at its dots, where it has to: «core-1.» above «summit.alpine-fibre». */
export function Dotted({ name }: { name: string }) {
  if (!name.includes(".")) return name;
  let at = 0;
  return name.split(/(?<=\.)/).map((part) => {
    const key = at;
    at += part.length;
    return <span key={key} className="inline-block max-w-full wrap-anywhere">{part}</span>;
  });
}
