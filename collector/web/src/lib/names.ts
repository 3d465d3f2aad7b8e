/**
 * What a device or an agent is called.
 *
 * Customers number their networks alike: 192.168.88.1 stands at a hundred sites. A name or an
 * address that is seen at more than one site is told as `router.site.tenant`, on every page the
 * same, however the page is narrowed.
 */
interface Ref {
  id: string;
  name: string;
}

export interface Placed {
  name: string;
  address?: string;
  site: Ref;
  tenant: Ref;
}

/** In place of a site's id, for a word that is seen at several. */
const SEVERAL = "";

/** One part of a dotted name: «Rooftop North» is `rooftop-north`. */
function part({ name }: Ref): string {
  const plain = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "");
  return plain || name;
}

export class Names {
  /** Each name and address, and the one site that has it. An unnamed device is its address. */
  readonly #sites = new Map<string, string>();

  constructor(rows: Iterable<Placed>) {
    for (const { name, address, site } of rows) {
      this.#count(name, site.id);
      if (address !== undefined) this.#count(address, site.id);
    }
  }

  name(row: Placed): string {
    return this.#tell(row.name, row);
  }

  address(row: Placed): string {
    return this.#tell(row.address ?? "", row);
  }

  #count(word: string, site: string): void {
    const key = word.toLowerCase();
    const known = this.#sites.get(key);
    if (known === undefined) this.#sites.set(key, site);
    else if (known !== site) this.#sites.set(key, SEVERAL);
  }

  #tell(word: string, { site, tenant }: Placed): string {
    const known = this.#sites.get(word.toLowerCase());
    if (known === undefined || known === site.id) return word;
    return `${word}.${part(site)}.${part(tenant)}`;
  }
}
