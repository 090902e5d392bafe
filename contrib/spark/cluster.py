"""A standalone Spark with a master and two workers on loopback, for the scripts beside this one."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pyspark

HERE = pathlib.Path(__file__).resolve().parent
HOME = pathlib.Path(pyspark.__file__).parent
MASTER = "spark://127.0.0.1:17077"
CLASSES = "org.apache.spark.deploy"
LOCAL = ("spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1", "spark.executor.memory=600m")


class Cluster:
    """Runs while it is entered; each process is the head of a group, with all that it starts in it."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="census-"))
        kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "LANG") if name in os.environ}
        # What a worker has beside what the job brings: no home, nothing of cargo, no key.
        self.bare = kept | {
            "SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_DIRS": str(self.folder / "local"), "SPARK_WORKER_DIR": str(self.folder / "work"),
        }  # fmt: skip
        self.running = []
        ports = "--webui-port", "0"
        self.start("master", f"{CLASSES}.master.Master", "--host", "127.0.0.1", "--port", "17077", *ports)
        room = "--cores", "1", "--memory", "1g", MASTER
        self.workers = [
            self.start(f"worker-{n}", f"{CLASSES}.worker.Worker", "--host", "127.0.0.1", *ports, *room) for n in range(2)
        ]
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)

    def start(self, name, *arguments, program="spark-class", environment=None):
        with (self.folder / f"{name}.log").open("w") as log:
            command = [HOME / "bin" / program, *arguments]
            new = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment or self.bare, cwd=self.folder, start_new_session=True
            )
        self.running.append(new)
        return new

    def submit(self, *arguments, environment):
        """A job, with what the driver's environment has beside a worker's."""
        local = [part for setting in LOCAL for part in ("--conf", setting)]
        environment = self.bare | environment
        return self.start("job", "--master", MASTER, *local, *arguments, program="spark-submit", environment=environment)

    def said(self):
        """What the job printed."""
        return (self.folder / "job.log").read_text()
