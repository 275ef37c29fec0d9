# A disk that is full and places that may not be written: exit 1 and a clear word, older checkpoints untouched, nothing half made, and the run goes
# on once there is room.
. "$(dirname "$0")/lib.sh"

fingerprint() { find "$1"/step-* -type f -exec sha256sum {} + | sort -k 2; }

# --- a limit on the size of files ---------------------------------------------------------------------------------------------------------
limited() { (ulimit -f 8; train "$@"); } # 8 KiB: enough for the recipe, not for the weights
train -o limited --max-updates 5 >/dev/null
fingerprint limited >before
expect "RLIMIT_FSIZE in a save is an error of the disk" 1 "cannot be written: File too large" limited -o limited --resume
check "it names the last good checkpoint" grep -q "last good checkpoint: limited/step-5" errors
fingerprint limited >after
check "the older checkpoint is untouched" cmp before after
check "nothing half made is left" nothing_left limited
check "with room it goes on" train -o limited --resume
train -o whole >/dev/null
same "to the bits of a run that never stopped" whole limited latest/model.safetensors latest/optimizer.safetensors model/model.safetensors

# --- a small file system ---------------------------------------------------------------------------------------------------------------------
mkdir small
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=300k none small 2>mount.errors; then
  skip "a full file system" "needs root that may mount ($(head -n 1 mount.errors 2>/dev/null))"
else
  mounted=$PWD/small
  expect "a full file system is an error of the disk" 1 "No space left on device" train -o small/run --set train.keep=100
  check "what was saved before can be used" "$HEED" inspect small/run/latest
  check "nothing half made is left in it" nothing_left small
  fingerprint small/run >before
  expect "it stays one while there is no room" 1 "No space left on device" train -o small/run --resume --set train.keep=100
  fingerprint small/run >after
  check "and what is there stays as it is" cmp before after
  mount -o remount,size=20m small
  check "with room it goes on as well" train -o small/run --resume --set train.keep=100
  same "to the same bits" whole small/run latest/model.safetensors latest/optimizer.safetensors model/model.safetensors
  umount small
  mounted=
fi

# --- places that an ordinary user may not write ---------------------------------------------------------------------------------------------------
as_user() { "$@"; }
if [ "$(id -u)" -eq 0 ]; then
  as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
  mkdir bin
  cp "$HEED" bin/heed   # where that user may read it
  cp -r "$(dirname "$HEED")/lib" bin/lib
  HEED=$PWD/bin/heed
  chmod -R a+rX .
fi
chmod a-w .
if ! as_user "$HEED" --version >/dev/null 2>user.errors; then
  skip "directories that may not be written" "cannot become an ordinary user ($(head -n 1 user.errors))"
else
  chmod u+w .
  mkdir closed
  chmod 555 closed
  as_train() { as_user "$HEED" train tiny.yaml --threads 1 -q "$@"; }
  expect "a directory that may not be made" 1 "closed/run: cannot be made: Permission denied" as_train -o closed/run
  train -o readable >/dev/null
  chmod -R a-w readable
  expect "a run that may only be read" 1 "Permission denied" as_train -o readable --resume --set train.updates=40
  chmod -R u+w readable
  check "and is as it was" train -o readable --resume
fi
