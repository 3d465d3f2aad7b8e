/**
 * What a device or an agent is called.
 *
 * Customers number their networks alike: 192.168.88.1 stands at a hundred sites. A name that is
 * seen at more than one site is told as `router.site.tenant`, on every page the same, however the
 * page is narrowed. An address is told as it is: it is copied into other programs.
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

/** What stands between the words of a name. */
const BETWEEN = /[^\p{L}\p{N}]+/gu;
/** A device may have a dotted name, or its address as one: `core-1.example.net`, `[2001:db8::1]:161`. */
const BETWEEN_OF_DEVICE = /[^\p{L}\p{N}.:_[\]]+/gu;

/** One part of a dotted name: «Rooftop North» is `rooftop-north`. */
function part(name: string, between = BETWEEN): string {
  return name.toLowerCase().replaceAll(between, "-").replaceAll(/^-|-$/g, "") || name;
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

  name({ name, site, tenant }: Placed): string {
    const known = this.#sites.get(name.toLowerCase());
    if (known === undefined || known === site.id) return name;
    return [part(name, BETWEEN_OF_DEVICE), part(site.name), part(tenant.name)].join(".");
  }

  #count(word: string, site: string): void {
    const key = word.toLowerCase();
    const known = this.#sites.get(key);
    if (known === undefined) this.#sites.set(key, site);
    else if (known !== site) this.#sites.set(key, SEVERAL);
  }
}
