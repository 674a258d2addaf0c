module meridian/overload

go 1.25
