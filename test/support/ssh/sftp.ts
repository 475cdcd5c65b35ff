import fs from "node:fs";
import path from "node:path";
import type { SFTPWrapper } from "ssh2";
import ssh2 from "ssh2";

const { STATUS_CODE } = ssh2.utils.sftp;

/** As much of an SFTP server as the uploads need, on the files below `root`. */
export function serveSftp(sftp: SFTPWrapper, root: string): void {
  const local = (name: string): string => path.join(root, path.resolve("/", name));
  const attempt = (id: number, work: () => void): void => {
    try {
      work();
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      // As OpenSSH has it.
      sftp.status(
        id,
        ["ENOENT", "ENOTDIR"].includes(code) ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE,
      );
    }
  };
  const done = (id: number): void => sftp.status(id, STATUS_CODE.OK);
  const descriptor = (handle: Buffer): number => handle.readUInt32BE(0);

  sftp.on("OPEN", (id, name, flags) =>
    attempt(id, () => {
      const fd = fs.openSync(local(name), ssh2.utils.sftp.flagsToString(flags) ?? "r");
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(fd);
      sftp.handle(id, handle);
    }),
  );
  sftp.on("WRITE", (id, handle, offset, data) =>
    attempt(id, () => {
      fs.writeSync(descriptor(handle), data, 0, data.length, offset);
      done(id);
    }),
  );
  sftp.on("CLOSE", (id, handle) =>
    attempt(id, () => {
      fs.closeSync(descriptor(handle));
      done(id);
    }),
  );
  const stat = (id: number, name: string): void =>
    attempt(id, () => {
      const { mode, uid, gid, size, atimeMs, mtimeMs } = fs.statSync(local(name));
      sftp.attrs(id, { mode, uid, gid, size, atime: atimeMs / 1000, mtime: mtimeMs / 1000 });
    });
  sftp.on("STAT", stat);
  sftp.on("LSTAT", stat);
  sftp.on("SETSTAT", (id, name, attributes) =>
    attempt(id, () => {
      if (attributes.mode !== undefined) fs.chmodSync(local(name), attributes.mode);
      done(id);
    }),
  );
  sftp.on("MKDIR", (id, name) =>
    attempt(id, () => {
      fs.mkdirSync(local(name));
      done(id);
    }),
  );
}
