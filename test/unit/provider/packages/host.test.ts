import { mirrorsOf, parseListed, parseLook } from "../../../../provider/packages/host";
import {
  ageInWords,
  digestInUrl,
  isImmutable,
  isOfArchive,
  packageOf,
} from "../../../../provider/packages/judge";
import { checkPackages, planPackages } from "../../../../provider/packages/plan";
import { proxyFor } from "../../../../provider/packages/upstream";

test("a look is read, whatever a login's profile prints before it", () => {
  const said =
    "Welcome!\nmissing chrony\nmissing jre\nsource http://deb.example.org/debian/\nsystem debian-12-arm64\n";
  expect(parseLook("broker-1", said)).toEqual({
    missing: ["chrony", "jre"],
    sources: ["http://deb.example.org/debian/"],
    system: "debian-12-arm64",
  });
  expect(() => parseLook("broker-1", "missing chrony\n")).toThrow(/^broker-1: .*broke off/);
});

test("what apt would download is read with size and hash; a line of another kind is none", () => {
  const hex = "ab".repeat(32);
  const url =
    "http://deb.example.org/debian/pool/main/g/gcc-12/gcc-12-base_12.2.0-14%2bdeb12u1_amd64.deb";
  expect(
    parseListed(
      `'${url}' gcc-12-base_12.2.0-14+deb12u1_amd64.deb 37596 SHA256:${hex}\n'${url}' x 1 MD5Sum:00\n`,
    ),
  ).toEqual([{ url, size: 37596, sha256: hex }]);
  expect(packageOf(url)).toBe("gcc-12-base");
});

test("a URL that stands for no text is told as it is", () => {
  expect(packageOf("http://deb.example.org/debian/%zz")).toBe("%zz");
  expect(packageOf("http://deb.example.org/debian/%ff_1_all.deb")).toBe("%ff");
});

test("mirrors are those of the sources, with their ports", () => {
  const sources = [
    "http://deb.example.org/debian/",
    "http://mirror.example:3142/debian/",
    "cdrom:[x]/",
    "file:/srv/debian/",
  ];
  const hosts = new Set(["deb.example.org", "mirror.example:3142"]);
  expect(mirrorsOf(sources, [])).toEqual({ hosts, named: false });
  const named = ["mirror.example:3142", "deb.example.org", "another.example.org"];
  expect(mirrorsOf(sources, named)).toEqual({ hosts, named: true });
  const many = Array.from({ length: 33 }, (_, i) => `http://mirror-${i}.example/debian`);
  expect(mirrorsOf(many.slice(1), []).hosts.size).toBe(32);
  expect(() => mirrorsOf(many, [])).toThrow("its apt sources name 33 mirrors");
  expect(() => mirrorsOf(sources, ["deb.example.org", "mirror.example"])).toThrow(
    "its apt sources name mirror.example:3142, and `packages.mirrors` has deb.example.org, mirror.example alone",
  );
});

test("sources of which nothing can be kept are named together, with what to write instead", () => {
  const sources = [
    "https://deb.example/x",
    "http://me:secret@mirror.example/",
    "mirror+file:/etc/apt/m",
    "http://good.example/",
  ];
  expect(() => mirrorsOf(sources, [])).toThrow(
    /^packages from https:\/\/deb\.example\/x, http:\/\/mirror\.example\/, mirror\+file:\S+ cannot come /,
  );
  expect(() => mirrorsOf(sources, [])).not.toThrow(/secret/);
  expect(() => mirrorsOf([], [])).toThrow(/no source of packages is configured/);
});

test("what never changes is told by its URL", () => {
  const is = (path: string): boolean => isImmutable(new URL(`http://deb.example.org${path}`));
  expect(is("/debian/pool/main/c/chrony/chrony_4.3-2_amd64.deb")).toBe(true);
  expect(is(`/debian/dists/b/main/by-hash/SHA256/${"0".repeat(64)}`)).toBe(true);
  expect(is("/debian/dists/b/InRelease")).toBe(false);
  expect(is("/debian/dists/b/main/binary-amd64/Packages.xz")).toBe(false);
  expect(digestInUrl(new URL("http://x/by-hash/constructor/00"))).toBeUndefined();
});

test("only what an archive has is asked of a mirror", () => {
  const has = (path: string): boolean => isOfArchive(new URL(`http://mirror.example.org${path}`));
  const of = [
    "/debian/dists/bookworm/InRelease",
    "/debian/dists/bookworm/Release.gpg",
    "/debian/dists/bookworm/main/binary-arm64/Packages.xz",
    "/debian/dists/bookworm/main/i18n/Translation-pt_BR.bz2",
    "/ubuntu/dists/jammy/main/dep11/icons-48x48@2.tar.gz",
    "/ubuntu/dists/jammy/main/dep11/Components-amd64.yml.xz",
    "/ubuntu/dists/jammy/main/cnf/Commands-amd64.xz",
    `/debian/dists/b/main/by-hash/SHA256/${"0".repeat(64)}`,
    "/debian/pool/main/g/gcc-12/gcc-12-base_12.2.0-14%2bdeb12u1_amd64.deb",
    "/flat/./Packages",
    "/flat/tool_1_all.deb",
  ];
  expect(of.filter((path) => !has(path))).toEqual([]);
  const others = [
    "/",
    "/reboot.cgi",
    "/debian/dists/bookworm/",
    "/latest/meta-data/iam/security-credentials/role",
    "/metrics",
    "/a.deb?command=reboot",
    "/pool/..%2freboot%2fx.deb",
    "/pool/x.deb/../../reboot",
    "/Packages.html",
  ];
  expect(others.filter(has)).toEqual([]);
});

test("the environment names the way out as it does for other programs", () => {
  const via = (url: string, env: NodeJS.ProcessEnv): string | undefined =>
    proxyFor(new URL(url), env)?.href;
  expect(via("http://deb.example.org/", {})).toBeUndefined();
  expect(via("http://deb.example.org/", { http_proxy: "" })).toBeUndefined();
  expect(via("http://deb.example.org/", { http_proxy: "proxy:3128" })).toBe("http://proxy:3128/");
  expect(via("http://deb.example.org/", { HTTP_PROXY: "http://proxy" })).toBe("http://proxy/");
  const env = { http_proxy: "http://proxy", no_proxy: "localhost, .example.org" };
  expect(via("http://deb.example.org/", env)).toBeUndefined();
  expect(via("http://notexample.org/", env)).toBe("http://proxy/");
  expect(via("http://a/", { http_proxy: "http://proxy", no_proxy: "*" })).toBeUndefined();
});

test("a host is looked at again for other packages, another machine or drift, and for nothing else", () => {
  const news = { host: "a", packages: ["chrony"], triggers: ["key"], script: "s", connection: {} };
  expect(planPackages({ host: "a", packages: ["chrony"], triggers: ["key"] }, news)).toEqual({});
  const paths = (olds: Record<string, string[]>): string[] => Object.keys(planPackages(olds, news));
  expect(paths({ packages: ["chrony"], triggers: ["other"] })).toEqual(["triggers"]);
  expect(paths({ packages: [], triggers: ["key"] })).toEqual(["packages"]);
  expect(checkPackages({ packages: [] })).toHaveLength(1);
  expect(checkPackages({ packages: ["chrony"] })).toEqual([]);
});

test("ages in words", () => {
  expect([60_000, 7_200_000, 3 * 86_400_000].map(ageInWords)).toEqual(["1 min", "2 h", "3 days"]);
});
