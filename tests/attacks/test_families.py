"""Gadgets by what they do: files, the network, other payloads, programs. Each is named, whoever offers it."""

from __future__ import annotations

import pytest

from secureload.pickles.trace import GlobalRef
from secureload.scan.dangerous import grade
from secureload.scan.technique import words

FILES = sorted(
    words(
        """
builtins:open io:open io:open_code io:FileIO _io:FileIO _io:open codecs:open os:open os:remove os:unlink
os:rename os:replace os:rmdir os:removedirs os:mkdir os:makedirs os:chmod os:chown os:link os:symlink
os:truncate os:listdir os:scandir os:walk os:stat os:access os:mkfifo os.path:exists posix:unlink
nt:remove shutil:rmtree shutil:copy shutil:copyfile shutil:move shutil:copytree shutil:make_archive
shutil:unpack_archive shutil:chown shutil:disk_usage pathlib:Path.write_text pathlib:Path.read_text
pathlib:PosixPath.unlink pathlib:PosixPath.touch pathlib:PosixPath.open pathlib:Path.mkdir
tempfile:mkstemp tempfile:mkdtemp tempfile:NamedTemporaryFile fileinput:input fileinput:FileInput
linecache:getlines linecache:getline glob:glob filecmp:cmp zipfile:ZipFile tarfile:open tarfile:TarFile
gzip:open gzip:GzipFile bz2:open bz2:BZ2File lzma:open lzma:LZMAFile mmap:mmap mailbox:mbox netrc:netrc
dbm:open dbm.dumb:open sqlite3:connect csv:reader configparser:RawConfigParser.read wave:open aifc:open
sunau:open sndhdr:what imghdr:what uu:encode uu:decode plistlib:load tomllib:load logging:FileHandler
logging.handlers:RotatingFileHandler logging.config:fileConfig distutils.file_util:write_file
distutils.file_util:copy_file distutils.dir_util:remove_tree py_compile:compile compileall:compile_file
xml.etree.ElementTree:parse xml.dom.minidom:parse json:load json:dump getpass:getpass curses:setupterm
pandas:read_csv pandas:read_table pandas:read_json pandas:read_excel pandas:read_parquet pandas:HDFStore
pandas.core.frame:DataFrame.to_csv pandas.io.parsers.readers:read_csv numpy:fromfile numpy:loadtxt
numpy:genfromtxt numpy:savetxt numpy:save numpy:savez numpy:memmap numpy:ndarray.tofile
numpy.core.memmap:memmap numpy.lib.format:open_memmap scipy.io:loadmat scipy.io:savemat
scipy.sparse:load_npz joblib:dump joblib.numpy_pickle:dump torch:save torch.serialization:save h5py:File
PIL.Image:open matplotlib.pyplot:savefig
        """
    )
)
NETWORK = sorted(
    words(
        """
socket:socket socket:create_connection socket:create_server socket:getaddrinfo _socket:socket
ssl:SSLContext ssl:get_server_certificate urllib.request:urlopen urllib.request:urlretrieve
urllib2:urlopen http.client:HTTPConnection http.server:HTTPServer ftplib:FTP smtplib:SMTP poplib:POP3
imaplib:IMAP4 nntplib:NNTP telnetlib:Telnet xmlrpc.client:ServerProxy xmlrpc.server:SimpleXMLRPCServer
socketserver:TCPServer asyncio:open_connection asyncio:start_server selectors:DefaultSelector
select:poll webbrowser:open logging.handlers:SocketHandler logging.handlers:HTTPHandler
multiprocessing.connection:Client multiprocessing.connection:Listener requests:get requests.api:post
requests.sessions:Session httpx:get aiohttp.client:ClientSession urllib3:PoolManager paramiko:SSHClient
boto3:client torch.hub:load_state_dict_from_url sklearn.datasets:fetch_openml
huggingface_hub:hf_hub_download transformers.utils.hub:cached_file
        """
    )
)
PAYLOADS = sorted(
    words(
        """
pickle:load pickle:loads pickle:Unpickler pickle:_load pickle:_loads pickle:_Unpickler _pickle:loads
_pickle:Unpickler cPickle:loads marshal:load marshal:loads shelve:open shelve:DbfilenameShelf
joblib:load joblib.numpy_pickle:load numpy:load numpy.lib.npyio:load pandas:read_pickle
pandas.io.pickle:read_pickle dill:load dill:loads dill._dill:load cloudpickle:load cloudpickle:loads
torch:load torch.serialization:load torch.jit:load torch.package:PackageImporter
torch.storage:_load_from_bytes jsonpickle:decode yaml:load yaml:unsafe_load yaml:full_load
ruamel.yaml:load keras.models:load_model tensorflow.keras.models:load_model tensorflow.saved_model:load
skops.io:load multiprocessing.reduction:ForkingPickler xgboost:Booster.load_model
mlflow.pyfunc:load_model
        """
    )
)
PROGRAMS = sorted(
    words(
        """
os:system os:popen os:execv os:spawnl os:fork os:posix_spawn os:startfile posix:system nt:system
subprocess:run subprocess:Popen subprocess:call subprocess:getoutput _posixsubprocess:fork_exec
pty:spawn commands:getoutput popen2:popen2 pipes:Template platform:popen uuid:_get_command_stdout
_osx_support:_read_output webbrowser:open multiprocessing:Process multiprocessing.util:spawnv_passfds
concurrent.futures:ProcessPoolExecutor asyncio:create_subprocess_exec venv:create ensurepip:bootstrap
pip:main sched:scheduler distutils.spawn:spawn setuptools:setup runpy:run_path code:interact
codeop:compile_command timeit:timeit profile:run cProfile:run trace:Trace pdb:run doctest:testmod
unittest:main importlib:import_module pkgutil:resolve_name pydoc:locate builtins:eval builtins:exec
builtins:compile builtins:__import__ ctypes:CDLL ctypes:cdll.LoadLibrary _ctypes:dlopen
numpy.f2py:compile numpy.distutils.exec_command:exec_command numpy.testing._private.utils:runstring
IPython:start_ipython sympy:sympify numexpr:evaluate pandas:eval
mlflow.projects.backend.local:_run_entry_point threading:Thread atexit:register signal:signal
gc:get_objects operator:attrgetter operator:methodcaller inspect:getattr_static sys:modules sys:settrace
types:FunctionType types:CodeType
        """
    )
)


@pytest.mark.parametrize("ref", [*FILES, *NETWORK, *PAYLOADS, *PROGRAMS])
def test_the_gadget_is_known(ref: str) -> None:
    assert grade(GlobalRef(*ref.split(":"))) is not None


def test_there_are_at_least_as_many_as_other_scanners_were_tried_with() -> None:
    assert len(set(FILES)) > 91
    assert len({*FILES, *NETWORK, *PAYLOADS, *PROGRAMS}) > 250


@pytest.mark.parametrize(
    "module", ["collections", "pathlib", "numpy.core.multiarray", "random", "our_models.scale"]
)
@pytest.mark.parametrize(
    "ref",
    [
        "os:system",
        "os:remove",
        "subprocess:run",
        "socket:socket",
        "pickle:loads",
        "builtins:eval",
        "shutil:rmtree",
    ],
)
def test_and_so_it_is_through_a_module_that_a_list_of_names_trusts(ref: str, module: str) -> None:
    assert grade(GlobalRef(module, ref.replace(":", "."))) is not None
