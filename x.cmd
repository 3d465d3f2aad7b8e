@echo off
rem Windows twin of ./x: needs cargo (rustup) and Node.js 20.19 or newer on the PATH.
setlocal
cd /d "%~dp0"
where cargo >nul 2>nul
if errorlevel 1 (
    echo x: cargo is missing. Install Rust: winget install Rustlang.Rustup 1>&2
    exit /b 1
)
where node >nul 2>nul
if errorlevel 1 (
    echo x: Node.js is missing. Install it: winget install OpenJS.NodeJS.LTS 1>&2
    exit /b 1
)
cargo run --quiet --package xtask -- %*
exit /b %errorlevel%
