"""What phones have in common, whatever carries orders there: the app, its folder, its files.

`link.py` is the contract of the way to an app; adb and devicectl are the two that exist. The app
follows an order and writes a folder of files, which are fetched (docs/android.md and docs/ios.md
say what is in it).
"""
