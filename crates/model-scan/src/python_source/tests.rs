use super::PythonScope::{Class, Construction, Function, Lambda, Main, Module};
use super::*;

fn facts(source: &str) -> PythonSource {
    read(source.as_bytes())
}

/// Function, when it runs, around it, whether called.
fn calls(source: &str) -> Vec<(String, PythonScope)> {
    facts(source).calls.into_iter().map(|call| (call.function, call.scope)).collect()
}

fn has(source: &str, function: &str) -> bool {
    facts(source).calls.iter().any(|call| call.function == function)
}

#[test]
fn when_a_call_runs_is_told_apart() {
    let source = r#"
import os
os.system("echo 1")
class Model(Base, metaclass=os.system("echo 2")):
    os.system("echo 3")
    def __init__(self, path=os.system("echo 4")):
        os.system("echo 5")
        if self:
            os.system("echo 6")
    async def forward(self): os.system("echo 7")
    @decorator(os.system("echo 8"))
    def other(self):
        return lambda: os.system("echo 9")
later = lambda x: os.system("echo 10")
if __name__ == "__main__":
    os.system("echo 11")
else:
    os.system("echo 12")
"#;
    let seen: Vec<_> = facts(source)
        .calls
        .iter()
        .map(|call| (call.argument.clone().unwrap(), call.scope))
        .collect();
    let expected = [
        ("echo 1", Module),
        ("echo 2", Module),
        ("echo 3", Class),
        ("echo 4", Class),
        ("echo 5", Construction),
        ("echo 6", Construction),
        ("echo 7", Function),
        ("echo 8", Class),
        ("echo 9", Function),
        ("echo 10", Lambda),
        ("echo 11", Main),
        ("echo 12", Module),
    ];
    assert_eq!(seen, expected.map(|(argument, scope)| (argument.to_owned(), scope)));
    let first = &facts(source).calls[4];
    assert_eq!(first.within.as_deref(), Some("Model.__init__"));
    assert_eq!((first.line, first.called), (7, true));
}

#[test]
fn a_function_is_found_under_every_name() {
    for source in [
        "import os\nos.system('x')",
        "import os as o\no.system('x')",
        "from os import system\nsystem('x')",
        "from os import (path,\n  system as s)\ns('x')",
        "from os import *\nsystem('x')",
        "def f():\n  s('x')\nfrom os import system as s",
        "import os, sys\ns = os.system\ns('x')",
        "if x: import os; os.system('x')",
        "import os; os . system ('x')",
        "import os\nos.\\\nsystem('x')",
        "(os.\n system)('x')",
        "__import__('os').system('x')",
        "__import__('o' + 's').system('x')",
        "__import__('o' 's').system('x')",
        "__import__('so'[::-1]).system('x')",
        "__import__('\\x6fs').system('x')",
        "__import__(chr(111) + chr(115)).system('x')",
        "__import__(''.join(['o', 's'])).system('x')",
        "import importlib\nimportlib.import_module('os').system('x')",
        "import os\ngetattr(os, 'system')('x')",
        "import os\ngetattr(os, 'sys' + 'tem')('x')",
        "import os\nos.__dict__['system']('x')",
        "import os\nvars(os)['system']('x')",
        "import sys\nsys.modules['os'].system('x')",
        "import os\nglobals()['os'].system('x')",
        "import operator, os\noperator.attrgetter('system')(os)('x')",
        "import torch\ntorch.os.system('x')",
        "import os\n(s := os.system)('x')",
        "import os\nlist(map(os.system, ['x']))",
        "import os\nclass A:\n  __class_getitem__ = os.system",
        "import os\n@os.system\ndef f(): pass",
        "import os\nprint(f\"{os.system('x')}\")",
        "import os\nprint(f'{f\"{os.system(1)}\"}')",
        "import os\nx = {'a': os.system('x')}",
        "import os\n[os.system(c) for c in 'x']",
        "import os\nassert os.system('x') == 0",
        "import ｏｓ\nｏｓ.ｓｙｓｔｅｍ('x')",
        "\u{feff}import os\nos.system('x')",
        "import os\r\nos.system('x')\r\n",
        "import os\n\tos.system('x')",
        "from os import system\nif False:\n  from math import system\nsystem('x')",
        "import os\nx = 'unterminated\nos.system('x')",
        "import os\nx = '''unterminated\nos.system(1)",
    ] {
        assert!(has(source, "os.system"), "{source}: {:?}", facts(source));
    }
    for source in [
        "exec('x')",
        "builtins.exec('x')",
        "import builtins as b\nb.exec('x')",
        "__builtins__['exec']('x')",
        "__builtins__.__dict__['exec']('x')",
        "getattr(__builtins__, 'ex' + 'ec')('x')",
        "globals()['__builtins__']['exec']('x')",
        "exec 'x'",
        "e = exec\ne('x')",
        "@exec\n@input\nclass X: pass",
        "class X:\n  def eval(self): pass\nexec('x')",
    ] {
        assert!(has(source, "exec"), "{source}: {:?}", facts(source));
    }
}

#[test]
fn what_only_looks_alike_is_not_listed() {
    for source in [
        "# os.system('x')",
        "'''\nimport os\nos.system('x')\n'''",
        "\"os.system('x')\"",
        "x = 'exec(1)'",
        "model.eval()",
        "self.exec('x')",
        "model.compile(optimizer='x')",
        "torch.compile(model)",
        "import re\nre.compile('x')",
        "def f(eval=False, compile=None): pass",
        "f(exec=True, compile=1)",
        "requests = []\nrequests.append(1)",
        "def f(socket):\n  socket.send(b'x')",
        "def f(requests): return requests.get('x')",
        "import socket\nx = socket.AF_INET",
        "import socket\nsocket.gethostname()",
        "import requests\ntry: pass\nexcept requests.exceptions.RequestException: pass",
        "import os\nos.path.join('a', 'b')\nos.environ.get('X')\nos.makedirs('x')",
        "import torch\ntorch.load('x', weights_only=True)",
        "class exec: pass",
        "def eval(): pass",
        "import subprocess\nx = subprocess.PIPE",
        "df.eval('a + b')",
        "getattr(self, name)()",
        "getattr(torch, name)",
        "x: eval_type = 3",
    ] {
        assert_eq!(calls(source), [], "{source}");
        assert!(facts(source).anomalies.is_empty(), "{source}: {:?}", facts(source).anomalies);
    }
}

#[test]
fn code_that_was_decoded_or_fetched_before_it_runs_is_told() {
    for source in [
        "import base64\nexec(base64.b64decode('aGk='))",
        "from base64 import b64decode as d\nexec(d('aGk=').decode())",
        "import base64\nx = base64.b64decode('aGk=')\nexec(x)",
        "import zlib, base64\nexec(zlib.decompress(base64.b64decode('x')))",
        "import marshal\nexec(marshal.loads(b'x'))",
        "exec(bytes.fromhex('00'))",
        "import codecs\neval(compile(codecs.decode('x', 'rot13'), '', 'exec'))",
        "import base64\nexec('a' + base64.b64decode('x').decode())",
    ] {
        let facts = facts(source);
        let code =
            facts.calls.iter().find(|c| c.capability == Capability::Code && c.decoded_argument);
        assert!(code.is_some(), "{source}: {:?}", facts.calls);
    }
    for source in [
        "import requests\nexec(requests.get('https://example.invalid').text)",
        "import urllib.request\nexec(urllib.request.urlopen('x').read())",
        "import urllib.request as u\ny = u.urlopen('x').read()\nexec(y)",
    ] {
        let facts = facts(source);
        assert!(
            facts.calls.iter().any(|c| c.function == "exec" && c.fetched_argument),
            "{source}: {:?}",
            facts.calls
        );
    }
    assert!(!facts("exec('print(1)')").calls[0].decoded_argument);
}

#[test]
fn capabilities_are_told_apart() {
    for (source, function, capability) in [
        ("import subprocess as s\ns.run(['x'])", "subprocess.run", Capability::Process),
        ("from subprocess import Popen\nPopen('x')", "subprocess.Popen", Capability::Process),
        ("import socket\ns = socket.socket()", "socket.socket", Capability::Network),
        (
            "import urllib.request\nurllib.request.urlopen('x')",
            "urllib.request.urlopen",
            Capability::Network,
        ),
        ("import pickle\npickle.loads(b'x')", "pickle.loads", Capability::Deserialize),
        ("import torch\ntorch.load('x')", "torch.load", Capability::Deserialize),
        ("import ctypes\nctypes.CDLL('x')", "ctypes.CDLL", Capability::Native),
        (
            "import importlib\nimportlib.import_module(x)",
            "importlib.import_module",
            Capability::Import,
        ),
        ("import pip\npip.main(['install', 'x'])", "pip.main", Capability::Install),
        ("import shutil\nshutil.rmtree('x')", "shutil.rmtree", Capability::Destroy),
    ] {
        let facts = facts(source);
        let call = facts.calls.iter().find(|call| call.function == function);
        assert_eq!(
            call.map(|call| call.capability),
            Some(capability),
            "{source}: {:?}",
            facts.calls
        );
    }
    let remote = facts(
        "from transformers import AutoModel\nAutoModel.from_pretrained('o/n', trust_remote_code=True)",
    );
    assert_eq!(remote.calls[0].capability, Capability::RemoteCode);
    assert_eq!(remote.calls[0].argument.as_deref(), Some("o/n"));
}

#[test]
fn tricks_of_the_surface_are_named() {
    for (source, kind) in [
        ("# -*- coding: utf-7 -*-\n", "odd-encoding"),
        ("#!/usr/bin/python\n# vim: set fileencoding=rot13 :\n", "odd-encoding"),
        ("x = 1 # \u{202e}", "hidden-text"),
        ("x\0", "null-byte"),
        ("x = (", "unbalanced-brackets"),
        ("x = 'a", "unterminated-string"),
        ("import os\ngetattr(os, x)('y')", "computed-name"),
        ("''.__class__.__mro__[1].__subclasses__()", "internals"),
    ] {
        assert!(facts(source).anomalies.has(kind), "{source}: {:?}", facts(source).anomalies);
    }
    assert!(read(b"x = '\xff'").anomalies.has("not-utf8"));
    assert!(facts("# -*- coding: utf-8 -*-\nx = 1\n").anomalies.is_empty());
}

#[test]
fn imports_are_listed() {
    let facts = facts(
        "import os.path, sys as s\nfrom transformers.models import x\nfrom . import y\nfrom .z import w",
    );
    assert_eq!(facts.imports, [".", ".z", "os.path", "sys", "transformers.models"]);
}

/// Shortened from modelling code as it ships with models.
const ORDINARY: &str = r#"
"""PyTorch model. Call `os.system` never."""
import math
from typing import List, Optional, Tuple, Union

import torch
import torch.utils.checkpoint
from torch import nn
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import logging, is_flash_attn_2_available

from .configuration_x import XConfig

logger = logging.get_logger(__name__)
if is_flash_attn_2_available():
    from flash_attn import flash_attn_func

@torch.jit.script
def rotate_half(x: torch.Tensor) -> torch.Tensor:
    x1, x2 = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-x2, x1), dim=-1)

class XModel(PreTrainedModel):
    config_class = XConfig
    _no_split_modules = ["XLayer"]

    def __init__(self, config: XConfig, *args, device: Optional[str] = None, **kwargs):
        super().__init__(config)
        self.layers = nn.ModuleList([XLayer(config, i) for i in range(config.num_hidden_layers)])
        self.scale = {"a": 1 if config.x else 2, **kwargs}
        self.act = getattr(nn.functional, config.hidden_act)
        self.post_init()

    def forward(self, input_ids: torch.LongTensor = None, labels=None) -> Union[Tuple, int]:
        if labels is not None and not self.training:
            logger.warning_once(f"Ignoring {labels!r:>{10}} of {len(input_ids)}")
        self.eval()
        return lambda y: y[::-1]
"#;

#[test]
fn ordinary_modelling_code_is_quiet() {
    let facts = facts(ORDINARY);
    assert_eq!(facts.calls, []);
    assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
}

#[test]
fn hostile_shapes_end_in_time() {
    let deep = 20_000;
    for source in [
        "(".repeat(100_000),
        format!("{}x{}", "(".repeat(deep), ")".repeat(deep)),
        format!("import os\n{}os.system('x'){}", "f(".repeat(500), ")".repeat(500)),
        "f'{".repeat(deep),
        "lambda:".repeat(deep),
        "not ".repeat(deep),
        (0..2000).map(|n| " ".repeat(n) + "if x:\n").collect(),
        "\\'''\n".repeat(deep),
        "x=".repeat(deep),
        "a.".repeat(deep),
        "'a'+".repeat(deep),
        "\"a\" ".repeat(deep),
        "import os as o,".repeat(deep / 10),
        "x".repeat(1_000_000),
        "eval(".repeat(deep),
        "[eval,".repeat(deep),
        "@".repeat(deep),
        "\\\n".repeat(deep),
        ";".repeat(deep),
        "é".repeat(deep),
    ] {
        facts(&source);
    }
    assert!(has(
        &format!("import os\n{}os.system('x'){}", "f(".repeat(500), ")".repeat(500)),
        "os.system"
    ));
}

#[test]
fn truncation_at_every_byte_is_survived() {
    let source =
        format!("{ORDINARY}\nimport os\ngetattr(os, 'sys' + 'tem')(f\"{{x}}\\x41{{os}}\")\n")
            .into_bytes();
    for end in 0..source.len() {
        read(&source[..end]);
    }
}
