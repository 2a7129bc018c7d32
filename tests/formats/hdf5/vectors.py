"""Two HDF5 files of h5py 3.16 (HDF5 2.0) with ``libver="latest"``, compressed: heaps and trees of version 2.

Made by::

    with h5py.File("dense.h5", "w", libver="latest") as f:
        for i in range(9): f.attrs[f"a{i}"] = i
        f.attrs["evil"] = b"cos\\nsystem\\n(S'echo hello'\\ntR."
        g = f.create_group("g", track_order=True)
        for i in range(9): g[f"s{i}"] = h5py.SoftLink("/g")
        g["out"] = h5py.ExternalLink("../secret.h5", "/x")
    with h5py.File("deep.h5", "w", libver="latest") as f:
        for i in range(150): f[f"link number {i}"] = h5py.SoftLink("/x")
        f["out"] = h5py.ExternalLink("/secret.h5", "/x")
        for i in range(9): f.attrs[f"a{i}"] = i
        f.attrs["huge"] = b"cos\\nsystem\\n(S'" + b"x" * 70000 + b"'\\ntR."

and ``base64.b85encode(zlib.compress(file, 9))``. The values of the attributes are pickles that nobody loads.
"""

from __future__ import annotations

import base64
import zlib


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b85decode(text))


DENSE = unpacked(
    r"""c-"""
    r"""rk*OH30%82)$rv{WgLfZ&UOu}w6kKq*LKQn4)!5@}jY3<e+63Is@%wgwM|N8*Ec5CidGJec4EjdDQ)8b!T`;h+*t)PwP0yz%"""
    r"""hB!4tSUGdpa%(LkaG<9wHY=G$-f-<|)T|L{+b&+T1p$Tq0-dXTU{0J(T>C;Z!r;gM>eJHT^o9B-B@B^Y?%0MgB%1{mV-Di@E"""
    r"""f)(FBwu3=P7UbmeChNa_0Ytyhd;PZnRC>~6ph}Utl)5nMfb&@48EYYJ{wi3t6D%wpFS2;g(qP)iE7QRUEm?khst)sl;L-"""
    r"""OK%KUwb$3M!DkkAp<J=+6)Bf)DA*7cJ)3L!ynlQa+d0RCxuzW>L9C+ya2vOn)96ghk?N<w7xZ%ZR&8@tsgBE^%UFAoHmQ%4C"""
    r"""YmoBQ{{gpBw)@%=Pp$cTX_osYpOb31zB^-"""
    r"""H)ZQ;cVAn}Qh`@u2ti!v5~mJ1mEPA5a}Ke&cb8Qc1}+tijepQm2_%T$ltr`nP{OW3KrODgwHn6#)x5RhP)01D|A<Uj+EXB9J"""
    r"""564HEas<GqfGfJW4%pdtY4l8ZpubVmrOw4y2%tFn_-<JPVbTq>l$_;snsp-<+?-;!5S+uk)e=?w-"""
    r"""wv?g*w5$Z*2>JLu@(IaW6IKk;hRA1Kgd;XVmRI$6d3T=leaicd98;V2?(Nob_xYb|{TEd~mNKRw8r6po9!~!<id!D7Tn#91s"""
    r"""z`(%3z`(%3z`($;Qi1xY8owjk0Xu}L8SG=T4yZ%JD{pG|LLVAdeCY7Q4K$n|e;0r~XgC+YcL*$K`0)AQd5ECluFjesNJqn07"""
    r"""yHIwL>T6RrLJ@ux)7VU^_q$8{0fS{mQHclXtxc=miGT}hNz?|P6B#GfRjceO>r{NSL4v@q$y4-"""
    r"""dgp{wYn3#`DKmAe?LLdppM}@wE~i~{5t#=j&v8bY0esZXLw<w6aFi(^4DBpO3kjp5Oc7z!lyMM7Lz!a2&`x#KNf;evN(iH;O"""
    r"""etnuQnIKb@mLyw&6XbxhuXq1TVpZgx3kDDBmP73_IlWUHeDqga-"""
    r"""(>%kJ!N^Y(3t6SHc~_qNYHh;S`!eg@#vXiWC}^LgP?q)Cx_pLZeY=oC=Lrp(#;lbP7$WLZhb|4XhP4;gd}*kj3E^yNT`&x-"""
    r"""`XocCv)shco<b`~Zld>rD"""
)

DEEP = unpacked(
    r"""c-rmPd2m(r6$kKd_D41dnuetaLI;RJdH3xg3JEa;0YwM|qsS7XEDaKpSRz8DDKQANAZjL4lp+-"""
    r"""s5ws|AiI&P@jE!4af|)9tqN2gLFhQ&I-t*prgm;|r52vH;_cH_cmy>hv@1FDf-IsTlWoKq3#CD5~u-"""
    r"""OoFCZO6KCO_K)@zRKxQ`cr^jtj@J*l?J?OYV$F;CQ0{*JU03$MDY9|2_TZ;;Fz9Tktcp`GL>&W{t}pix{gYbV5jjT;cwo4+L"""
    r"""ur<|MX1R{g*kBdvJ?{Fm%y9xDS^2}fhS?a7Rs>`X*id2#0NX7o>u44xaDCE@lz?aLZ(W?^I?5_8`1+<arPz?>sETWVmYOte4"""
    r"""l+c{)ZM$YIgL{&W94OkZoq~PG}<Y<(dm;41z^_mimv`A|hSJx#LOTw&S>%WnJrEym77aL;}u+?To%QtsQfHTS(*7m+G0c#Vi"""
    r"""gg@l2NWdI9ZN#9H2}m|)O-5>3|3u`-u<QKHM9h_og-sgO5$VxZ?#Y;;Nw`2x%P4VPfF2#JglnGIl!D}VYq+V_(*;f8R>GF1P"""
    r"""TjFxqLZ8ZUW8=1oz0KG+7s!LaItf5Pb5nf7ZoR7j2NkHYPU^&%$;uye?RS>zE~$$Sk*hfA6Ch13v1r}3jg~uaz<W*sJrf*+a"""
    r"""Ft{UAOjg-GFVfBGCi)S7EITU!A?<9puU|HL#bvrpEdQJyWCogWjpO;2_>VNXd$8*$et9ufO&D7acowBU0sod-tM#lQB{rj5n"""
    r"""u$Jq>f^L0*wHdOFhOA^I?KUOw{Vak*ykRWpz#51hlX@)op6Lc|l3W@5d36ij=wz7S0kJvOAF2r+Wqlb@X|LZO_tY~qw+43H0"""
    r"""=%Cd)x@rXQo1zj^suw1Ut=f>(%Y?FJa%V{k`s_en$4~rL~UWQN3IJFR?<g{_ypS}aRlDmFl#9}1Nh92;G(P9jjDYo3y`dg$)"""
    r"""v}kJVQZ&dEpB-Pe6femYS}q?_fkOEVy7}^?N|Z}(eewItP$U(<(KzjHOp#BJG49g4F;cD&x%`>Ckt+oq`^~#6v0H{qUie@oI"""
    r"""?GL7eP7M}*ew^E(P3j1hDxh5kIz{B(^&tZ-@Q_eYPrAE?6S2emlnM0%YP7CW%aJyk+2>;q}ZY>@-"""
    r"""|?*^z)<2qnj{X8dF`nZ8K7(_X9E;x1wH#kKA#3D=H;-&fD&%;F2z{ee3hTVzGSwe^p-"""
    r"""hH1_$U8NThvm5Kjy>0`Bs>0k|yBu#!1-"""
    r"""^diN|8dPrIBZ_G3tlUT*nwjbU3dG$zaw25{?LuHccNN`tG5i_g;KfShlftxg)*7qaP>cSp;`(`$*ZWtZkcWO<P~+8;@=8Gj0"""
    r"""OyoC3|CD;alh|RV<8q`7I2S;gcte{)q-DXhZFsy%-"""
    r"""?(u=?U}_u*T}#m@9OfMkFB%4as>30djeqW|28!*bm{1NR@qL5WtDEIRVjSpO4Cy4le~9?rT258825cKA;BA_FZ_OLN8^2Wlk"""
    r"""Y__zDrNR}2n|Mq4Na%J08K6j-TFUp!8n0m;EN@+~k4ety>p)?$imkq`Qsr$Z|rGwET>(uD37>uEE+Me2nhN49-"""
    r"""w&UIv!%!{>&ko2>$8Nd8YX^N9cvNz$(r+GNep|JsII`ug5y+K<LrYd=<G3ut^R3>|XpkzF^!;WGM#^yJ^>Nq2DZ_5NY-"""
    r"""5oowav+M=U}-+U*3O94jQD)D_(d#2Q?C{S$gRNOp$10%ySb^BYWk&vhaymBe!#1*@#J~lG<{7x8-50T-"""
    r"""R2*uEWpd^WR&vs|il2u=@jzO^A^SH|}2ZFYJ`EyxR^OLX*F&NwtS@RB~63xc(?+Neh-"""
    r"""A?tKjFC7S;6<PT6TE3&8F@ez*7#h%F+^AVb4P2XHJ_hS^wN`Lxc{0S_TN9+C#7o5O!c}}aNx1B(qEbp|cs86w6uDfzTVl%#x"""
    r"""Xidu0W~`UR$*S1dj7#Jm4#q$HIo_6Gh2zK<D3aVu($9Q}9+G=u_x-Kr#jWA?s##y7K{jdR-"""
    r"""(I=u|Mu^H*7)&Poqf@XG`n=#>@`kDS^rt@6{i!d*9ddjTH~xi5^&N=4!aQe#M<4tm7BWAHP!`Q6T{|(W0hQQd-"""
    r"""%@ytn85)XWtnu)lUBp)kferFmSvya7+svQv=6-VeQ_{)_m|=qs`r0?{T*8dyktJ_@)}XHAJ3w42b>V?{Sgs-"""
    r"""{bn5$Lc=8@(#J~{iVFe*{t_CvsLDMTuaB`9Kl(-"""
    r"""M9<FmzsCjdFAVLE?cd}2pZ!f?;61K8+8^IPlG0b6V;eeKnZL4HU@lb3*gnX!0v>;0_!sY`;U=8RSbOyuH-"""
    r"""6V9uz6PL6&TzmaDUHxC!oGf;Qjj6Mb@YJ*}#Su@2rKV&9u)hf1?f?+hn}bHSH5Lw+TG6>ajClj;=TY`q7LSe(h*$5gttnYqy"""
    r"""um13%~AS{z$kR$Nk07~6k*zXe1@L_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|b"""
    r"""HL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bHL_|bH"""
    r"""MD(NU7h5v!GFY;*Gc#~J5$D|J-"""
    r"""n%3M5r{`5FwKrmHozvo8HVsSdFOJBkeslP97jk_cu0;jBqt&y#}$$j8It1;$%zWd@r2|=hvaxea$-"""
    r"""Vqd?7iuvpG??(8`%vdP@Pinl0%B|380sY?57`6o!^0{~2K*`tOqGzh`jg#haUW-ghsB*}^*hde+=Iz2=q{PA{0>%W&GmF>pa"""
    r""">*wDicJ?zxOE<Nnl!yY~C)x$nLJV*_@^eSC?l`g$XmtLhyuhOMg>C&ro=~cS)DqVppheh04TGA01SX_`lzo6u@nQk+zuYW8s"""
    r"""e^^VOkW1P1h8cRp48387-Y`RNn4ve!&>Lpx4KwtH8G6GEy-J5(r9-dMp;zh9t90m9I`k?XdX)~nN{3#hL#ou*-"""
    r"""~8LP0Wa9ha}wL0;|pG?eRPl(9b{Ldh8lIKQKuSpsZqBY^{7#=8dYl>q;Cbgz7_2HR<P?^!LDxwyS^3d`c|;(Tfwex1-"""
    r"""q~9nt%W2zxf>~)!X;+^Sj|u`{_~p=~4UXQTK{h-"""
    r"""78*ouXxqH;#K#GSKTXKb+35U+PrFQUbQx_TANR;&8ODpQ)~07wfWTAd}?hzwKku(&1Pu7{^qyUrprf-IsXioI;TsW)1}VoQv"""
    r"""2yr`{`2q=~nycR{QBz`{`Eu=~ioVtF^h++T3bwZnZYITAN3$&7;=lQET(4wRzOqJnrvZfAfuGLbp4|o_~fzoztPt=}_l%sQq"""
    r"""-P{dB1Pbg2DwsQq-"""
    r"""R{dB7RbgH#E)!LkDZBDf|r&^m+t<9;{=2UBQskOP(+FWXF{%@%2`kU^#p|sgNBcbgX!71AX4K3)<f=(^y(t>U+=+S~+E$GvN"""
    r"""Y8MT)i-y`oL+zrW?hr%WA%?m`40VSX>JBl~9b%}pIn>(xUspr^{{IJ5sqh~"""
)
