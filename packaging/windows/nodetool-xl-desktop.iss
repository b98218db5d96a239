; The installer for Windows, for one person and without an administrator (Inno Setup 6.3 or later). Untried: see
; CONTRIBUTING.md, "Packages".
;     iscc /DVersion=0.1.0 packaging\windows\nodetool-xl-desktop.iss
#ifndef Version
  #error Say the version: /DVersion=...
#endif
#define Name "NodeTool XL Desktop"
#define Program "nodetool-xl-desktop"

[Setup]
AppId={{6D0F0C8B-3C7E-4E0B-9E0A-5B1C8B7E2A41}
AppName={#Name}
AppVersion={#Version}
DefaultDirName={autopf}\{#Name}
DefaultGroupName={#Name}
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesAssociations=yes
CloseApplications=yes
Compression=lzma2
SolidCompression=yes
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\build\icons\icon.ico
UninstallDisplayIcon={app}\{#Program}.exe
OutputDir=..\..\dist
OutputBaseFilename={#Program}-{#Version}-windows-x86_64

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"
Name: "german"; MessagesFile: "compiler:Languages\German.isl"

[Files]
Source: "..\..\dist\{#Program}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[InstallDelete]
; What an earlier version brought and this one does not.
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\{#Name}"; Filename: "{app}\{#Program}.exe"

[Registry]
Root: HKA; Subkey: "Software\Classes\.gguf\OpenWithProgids"; ValueType: string; ValueName: "{#Program}.gguf"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\{#Program}.gguf"; ValueType: string; ValueData: "{cm:FileType}"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\{#Program}.gguf\DefaultIcon"; ValueType: string; ValueData: "{app}\{#Program}.exe,0"
Root: HKA; Subkey: "Software\Classes\{#Program}.gguf\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}.exe"" ""%1"""

[Run]
Filename: "{app}\{#Program}.exe"; Description: "{cm:LaunchProgram,{#Name}}"; Flags: nowait postinstall skipifsilent

[Messages]
english.UninstalledAll=%1 was removed. Your chats and models stay in nodetool-xl-desktop below AppData\Local in your home.
german.UninstalledAll=%1 wurde entfernt. Ihre Chats und Modelle bleiben in nodetool-xl-desktop unter AppData\Local in Ihrem Benutzerordner.

[CustomMessages]
english.FileType=Language model (GGUF)
german.FileType=Sprachmodell (GGUF)
