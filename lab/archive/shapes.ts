/*
 * Archives with other layouts than Ubuntu's, which vendors publish and apt accepts. Each is as small as possible. The
 * layouts and header fields are copied from the named archives. The packages are empty.
 */

/** A package of such an archive. */
export interface ShapedPackage {
  readonly name: string;
  /** The component whose index has it. A flat repository has no components. */
  readonly component?: string;
  /** The package's architecture. @default amd64 */
  readonly architecture?: string;
  /** The path of its file, below the archive's root. */
  readonly path: string;
  readonly version?: string;
  /** The architecture of the index that has it. @default the package's architecture */
  readonly index?: string;
  /** More fields of its stanza. */
  readonly fields?: Readonly<Record<string, string>>;
}

export type Form = "" | ".gz" | ".xz" | ".bz2" | ".zst";

export interface Shape {
  readonly name: string;
  /** The suite as in a client's source. With a slash at the end it is a flat repository. */
  readonly suite: string;
  readonly components: readonly string[];
  /** The architectures of a client. @default ["amd64"] */
  readonly architectures?: readonly string[];
  /** The Release's fields, except its Date and its lists. */
  readonly header: Readonly<Record<string, string>>;
  /** Directories of the indices, by component, if they are not `binary-amd64`. */
  readonly indexArchitectures?: readonly string[];
  /** The compression of the indices. The Release always lists the plain form. */
  readonly forms: readonly Form[];
  /** The signed roots that exist. @default all */
  readonly roots?: readonly ("InRelease" | "Release")[];
  /**
   * By-hash names of the indices: with `announced`, the Release promises them but they do not exist. @default
   * none
   */
  readonly byHash?: "there" | "announced";
  readonly undated?: boolean;
  /** Why a mirror cannot sign it with its own key. */
  readonly mirrorSigned?: RegExp;
  /** The expected warnings of apt, for upstream and for a mirror with upstream's signature. */
  readonly complaint?: RegExp;
  readonly packages: readonly ShapedPackage[];
}

const amd64 = { Architectures: "amd64" };

export const shapes: readonly Shape[] = [
  {
    name: "docker",
    suite: "noble",
    components: ["stable"],
    header: {
      Origin: "Docker",
      Label: "Docker CE",
      Suite: "noble",
      Architectures: "amd64 arm64 armhf",
      Components: "edge nightly stable test",
    },
    forms: ["", ".gz", ".bz2"],
    packages: [
      {
        name: "docker-ce",
        component: "stable",
        path: "dists/noble/pool/stable/amd64/docker-ce_1.0_amd64.deb",
      },
    ],
  },
  {
    name: "cloud-archive",
    suite: "noble-updates/epoxy",
    components: ["main"],
    header: {
      Origin: "Canonical",
      Label: "Ubuntu Cloud Archive",
      Suite: "noble-updates/epoxy",
      Codename: "noble",
      ...amd64,
      Components: "main",
    },
    forms: [".gz", ".xz"],
    packages: [{ name: "nova", component: "main", path: "pool/main/n/nova/nova_1.0_amd64.deb" }],
  },
  {
    name: "mariadb",
    suite: "noble",
    components: ["main", "main/debug"],
    header: {
      Origin: "MariaDB",
      Label: "MariaDB",
      Suite: "noble",
      Codename: "noble",
      ...amd64,
      Components: "main main/debug",
    },
    forms: ["", ".gz"],
    packages: [
      { name: "mariadb-server", component: "main", path: "pool/main/m/mariadb/mariadb-server_1.0_amd64.deb" },
      {
        name: "mariadb-symbols",
        component: "main/debug",
        path: "pool/main/m/mariadb/mariadb-symbols_1.0_amd64.deb",
      },
    ],
  },
  {
    name: "mongodb",
    suite: "noble/mongodb-org/8.0",
    components: ["multiverse"],
    header: {
      Origin: "mongodb",
      Label: "mongodb",
      Suite: "noble",
      Codename: "noble/mongodb-org",
      ...amd64,
      Components: "multiverse",
    },
    forms: ["", ".gz"],
    packages: [
      {
        name: "mongodb-org",
        component: "multiverse",
        path: "dists/noble/mongodb-org/8.0/multiverse/binary-amd64/mongodb-org_1.0_amd64.deb",
      },
    ],
  },
  {
    name: "ceph",
    suite: "noble",
    components: ["main"],
    header: { Codename: "noble", ...amd64, Components: "main" },
    forms: ["", ".gz", ".bz2"],
    roots: ["Release"],
    packages: [
      { name: "ceph-common", component: "main", path: "pool/main/c/ceph/ceph-common_1.0_amd64.deb" },
    ],
  },
  {
    name: "hashicorp",
    suite: "noble",
    components: ["main"],
    header: {
      Origin: "Artifactory",
      Label: "Artifactory",
      Suite: "noble",
      Codename: "noble",
      Architectures: "amd64 arm64 i386",
      Components: "main test",
    },
    forms: ["", ".gz", ".bz2"],
    byHash: "announced",
    packages: [{ name: "vault", component: "main", path: "pool/amd64/main/vault_1.0_amd64.deb" }],
  },
  {
    name: "postgresql",
    suite: "noble-pgdg",
    components: ["main", "17"],
    header: {
      Origin: "apt.postgresql.org",
      Label: "PostgreSQL for Debian/Ubuntu repository",
      Suite: "noble-pgdg",
      Codename: "noble-pgdg",
      NotAutomatic: "yes",
      ButAutomaticUpgrades: "yes",
      "Acquire-By-Hash": "yes",
      Architectures: "amd64 arm64 ppc64el s390x",
      Components: "main 17 18",
    },
    forms: [".gz", ".bz2", ".xz"],
    byHash: "there",
    packages: [
      { name: "pgbouncer", component: "main", path: "pool/main/p/pgbouncer/pgbouncer_1.0_amd64.deb" },
      { name: "libpq5", component: "17", path: "pool/17/p/postgresql-17/libpq5_1.0_amd64.deb" },
    ],
  },
  {
    name: "launchpad",
    suite: "noble",
    components: ["main"],
    header: {
      Origin: "LP-PPA-maas-3.6",
      Label: "MAAS",
      Suite: "noble",
      Version: "24.04",
      Codename: "noble",
      Architectures: "amd64 arm64",
      Components: "main",
      Description: "Ubuntu Noble 24.04",
    },
    forms: [".gz", ".xz"],
    packages: [{ name: "maas", component: "main", path: "pool/main/m/maas/maas_1.0_amd64.deb" }],
  },
  {
    name: "esm",
    suite: "noble-apps-security",
    components: ["main"],
    header: {
      Origin: "UbuntuESMApps",
      Label: "UbuntuESMApps",
      Suite: "noble-apps-security",
      Version: "24.04",
      Codename: "noble",
      Architectures: "amd64 arm64",
      Components: "main",
    },
    forms: [".gz", ".xz"],
    byHash: "there",
    packages: [{ name: "esm-tool", component: "main", path: "pool/main/e/esm-tool/esm-tool_1.0_amd64.deb" }],
  },
  {
    name: "debian-security",
    suite: "bookworm-security",
    components: ["main"],
    header: {
      Origin: "Debian",
      Label: "Debian-Security",
      Suite: "stable-security",
      Codename: "bookworm-security",
      Architectures: "amd64 arm64",
      Components: "updates/main updates/contrib",
    },
    forms: [".xz"],
    packages: [
      { name: "openssl", component: "main", path: "pool/updates/main/o/openssl/openssl_1.0_amd64.deb" },
    ],
  },
  {
    name: "nameless",
    complaint: /^W: Conflicting distribution: .* \(expected stable but got \)$/m,
    suite: "stable",
    components: ["main"],
    header: {},
    forms: [".gz"],
    packages: [{ name: "nameless", component: "main", path: "pool/nameless_1.0_amd64.deb" }],
  },
  {
    name: "other-case",
    suite: "Stable",
    components: ["Main"],
    header: { ORIGIN: "Other", codename: "Stable", architectures: "amd64", components: "Main" },
    forms: [".gz"],
    packages: [{ name: "cased", component: "Main", path: "pool/cased_1.0_amd64.deb" }],
  },
  {
    name: "plain-only",
    suite: "stable",
    components: ["main"],
    header: { Suite: "stable", ...amd64, Components: "main" },
    forms: [""],
    packages: [{ name: "plain", component: "main", path: "pool/plain_1.0_amd64.deb" }],
  },
  {
    name: "bzip2-only",
    suite: "stable",
    components: ["main"],
    header: { Suite: "stable", ...amd64, Components: "main" },
    forms: [".bz2"],
    packages: [{ name: "bzipped", component: "main", path: "pool/bzipped_1.0_amd64.deb" }],
  },
  {
    name: "all-in-amd64",
    suite: "stable",
    components: ["main"],
    header: { Suite: "stable", ...amd64, Components: "main" },
    forms: [".gz"],
    packages: [{ name: "script", component: "main", architecture: "all", path: "pool/script_1.0_all.deb" }],
  },
  {
    name: "all-only",
    suite: "stable",
    components: ["main"],
    header: { Suite: "stable", Architectures: "all", Components: "main" },
    indexArchitectures: ["all"],
    forms: [".gz"],
    packages: [
      { name: "documents", component: "main", architecture: "all", path: "pool/documents_1.0_all.deb" },
    ],
  },
  {
    name: "all-beside",
    suite: "stable",
    components: ["main"],
    header: { Suite: "stable", Architectures: "amd64 all", Components: "main" },
    indexArchitectures: ["amd64", "all"],
    forms: [".gz"],
    packages: [
      { name: "program", component: "main", path: "pool/program_1.0_amd64.deb" },
      { name: "manual", component: "main", architecture: "all", path: "pool/manual_1.0_all.deb" },
    ],
  },
  {
    name: "variants",
    suite: "questing",
    components: ["main"],
    architectures: ["amd64", "amd64v3"],
    header: { Suite: "questing", Codename: "questing", Architectures: "amd64 amd64v3", Components: "main" },
    indexArchitectures: ["amd64", "amd64v3"],
    forms: [".gz"],
    mirrorSigned: /main\/binary-amd64v3\/Packages lists fast 1\.0 for amd64[\s\S]*signing: upstream/,
    packages: [
      { name: "slow", component: "main", path: "pool/main/s/slow/slow_1.0_amd64.deb" },
      {
        name: "fast",
        component: "main",
        index: "amd64v3",
        fields: { "Architecture-Variant": "amd64v3" },
        path: "pool/main/f/fast/fast_1.0_amd64v3.deb",
      },
    ],
  },
  {
    name: "nvidia",
    mirrorSigned: /must be \\?"upstream\\?" for a flat repository: reprepro/,
    suite: "/",
    components: [],
    header: { Origin: "NVIDIA", Label: "NVIDIA CUDA", Architecture: "x86_64" },
    forms: ["", ".gz"],
    packages: [{ name: "cuda-toolkit", path: "./cuda-toolkit_1.0_amd64.deb" }],
  },
  {
    name: "kubernetes",
    mirrorSigned: /must be \\?"upstream\\?" for a flat repository: reprepro/,
    suite: "./",
    components: [],
    header: { Origin: "obs", Label: "kubernetes" },
    forms: ["", ".gz"],
    packages: [{ name: "kubectl", path: "amd64/kubectl_1.0_amd64.deb" }],
  },
  {
    name: "jenkins",
    mirrorSigned: /must be \\?"upstream\\?" for a flat repository: reprepro/,
    suite: "binary/",
    components: [],
    header: { Origin: "jenkins.io", Label: "Jenkins", Suite: "binary", Architectures: "all", Components: "" },
    forms: [".gz"],
    packages: [{ name: "jenkins", architecture: "all", path: "binary/jenkins_1.0_all.deb" }],
  },
];
