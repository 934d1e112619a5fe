import * as pulumi from "@pulumi/pulumi";
import { Files } from "../../../resources/host/files.ts";
import { Packages } from "../../../resources/host/packages.ts";
import { Services } from "../../../resources/host/services.ts";
import { SigningKey } from "../../../resources/host/signing-key.ts";

/** Twenty resources on each host, of all kinds that components use. */
for (const host of ["mirror", "mirror2", "store"]) {
  for (let number = 0; number < 12; number++) {
    new Files(`${host}-files-${number}`, {
      host,
      files: {
        [`/etc/sixty/${number}/a`]: { content: `${number}\n` },
        [`/etc/sixty/${number}/b`]: { content: "b\n".repeat(1000) },
      },
      ...(number === 0
        ? { secretFiles: { "/etc/sixty/secret": { content: pulumi.secret("a secret\n") } } }
        : {}),
    });
  }
  for (const name of ["curl", "sudo", "gnupg", "iproute2"]) {
    new Packages(`${host}-${name}`, { host, packages: { [name]: "installed" } });
  }
  for (const name of ["sixty-one", "sixty-two", "sixty-three"]) {
    const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    new Services(`${host}-${name}`, { host, services: { [`${name}.service`]: { unit } } });
  }
  new SigningKey(`${host}-key`, { host, userId: "Sixty resources" });
}
